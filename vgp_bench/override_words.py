"""The words after `vgp-bench run`, read once before Hydra reads them: its own messages speak of its grammar."""

import difflib
from collections.abc import Sequence
from typing import NoReturn

from vgp_bench.errors import ConfigError

FORM = "write KEY=VALUE or GROUP=OPTION, say architecture.depth=20 or activation=relu"


def check_words(words: Sequence[str]) -> None:
    """Raises ConfigError, in one line, for an unknown flag and for a word that is no override."""
    from hydra._internal.utils import get_args_parser
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        flags = [flag for action in parser._actions for flag in action.option_strings]
        flag = message.rpartition(" ")[2]
        close = difflib.get_close_matches(flag, flags, n=1) if message.startswith("unrecognized") else []
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ConfigError(f"{message}.{hint} See `vgp-bench run --help`.")

    parser.error = refuse  # type: ignore[method-assign]
    overrides = OverridesParser.create()
    for word in parser.parse_args(list(words)).overrides:
        key, equals, value = word.partition("=")
        if not key.strip("+~") or (not equals and not word.startswith("~")):
            raise ConfigError(f"{word}: {FORM}")
        try:
            overrides.parse_override(word)
        except HydraException as error:
            if value.endswith(","):
                raise ConfigError(f"{word}: a value is missing after the last comma") from error
            raise ConfigError(f"{word}: cannot be read; {FORM}, and put values with special signs in quotes") from error
