"""Commands whose words are those of `run`, with options of their own between them."""

import argparse
from collections.abc import Callable


def add_words(parser: argparse.ArgumentParser) -> None:
    """Everything after the command; reread() tells words and options apart."""
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(reader=type(parser))


def reread(
    arguments: argparse.Namespace, prog: str, add_options: Callable[[argparse.ArgumentParser], None]
) -> argparse.Namespace:
    """The same arguments with options and words apart, and `help`: whether help was asked for among the words.

    argparse takes all that follows the first word for words; options may stand between them as well.
    """
    seen = {key: value for key, value in vars(arguments).items() if key != "words"}
    again = arguments.reader(prog=prog, add_help=False)
    again.add_argument("-h", "--help", action="store_true")
    add_options(again)
    again.add_argument("words", nargs="*")
    found: argparse.Namespace = again.parse_intermixed_args(arguments.words, argparse.Namespace(**seen))
    return found
