"""The words after `vgp-bench run`, read once before Hydra reads them: its own messages speak of its grammar."""

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from vgp_bench.errors import ConfigError

FORM = "write KEY=VALUE or GROUP=OPTION, say architecture.depth=20 or activation=relu"


class Flags(NamedTuple):
    """Flags of `vgp-bench run` that are not Hydra's. dry_run: show what would be run; detach: return at once."""

    dry_run: bool
    detach: bool


def read_flags(words: Sequence[str]) -> tuple[list[str], Flags]:
    """The words without our own flags, and these. Raises ConfigError for two that exclude each other."""
    flags = Flags("--dry-run" in words, "--detach" in words)
    if all(flags):
        raise ConfigError("--dry-run runs nothing, so there is nothing to detach; leave one of them out")
    return [word for word in words if word not in ("--dry-run", "--detach")], flags


def flags_last(words: Sequence[str]) -> list[str]:
    """The words with those that set something first, and Hydra's flags behind them: it takes no others after a flag
    such as `--config-dir DIR`. Words it cannot make sense of stay where they are, for check_words to complain of."""
    flags = {flag: action for action in _parser()._actions for flag in action.option_strings}
    sets: list[str] = []
    others: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            sets.append(word)
            continue
        others.append(word)
        action = flags.get(word)
        takes_one = action is not None and action.nargs is None
        may_take_one = action is not None and action.nargs == "?" and bool(rest) and rest[0] in (action.choices or ())
        if rest and (takes_one or may_take_one):
            others.append(rest.pop(0))
    return [*sets, *others]


def with_seeds(words: Sequence[str]) -> list[str]:
    """The words with `seeds=3` written out: seed=0,1,2, in a sweep. Raises ConfigError for a word that cannot be."""
    counts = [word for word in words if word.partition("=")[0] == "seeds"]
    if not counts:
        return list(words)
    others = [word for word in words if word.partition("=")[0].lstrip("+") == "seed"]
    if len(counts) > 1 or others:
        raise ConfigError(f"{' and '.join([*counts, *others])}: name the seeds in one way")
    value = counts[0].partition("=")[2]
    if not value.isdecimal() or int(value) < 1:
        raise ConfigError(f"{counts[0]}: how many seeds, 1 or more; seeds=3 is seed=0,1,2")
    seeds = ",".join(map(str, range(int(value))))
    sweep = [] if _only_shows(words) or {"-m", "--multirun"} & set(words) else ["-m"]
    if _only_shows(words):
        seeds = "0"
    return [*sweep, *(f"seed={seeds}" if word == counts[0] else word for word in words)]


def _only_shows(words: Sequence[str]) -> bool:
    """Whether a flag of Hydra asks for something to be shown instead of run."""
    shows = ("-c", "--cfg", "-i", "--info", "-h", "--help", "--hydra-help", "--version", "-sc", "--shell-completion")
    return any(word.partition("=")[0] in shows for word in words)


def check_words(words: Sequence[str]) -> None:
    """Raises ConfigError, in one line, for an unknown flag and for a word that is no override."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = _parser()

    def refuse(message: str) -> NoReturn:
        flags = [flag for action in parser._actions for flag in action.option_strings] + ["--dry-run", "--detach"]
        flag = message.rpartition(" ")[2]
        close = difflib.get_close_matches(flag, flags, n=1) if message.startswith("unrecognized") else []
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ConfigError(f"{message}.{hint} See `vgp-bench run --help`.")

    parser.error = refuse
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


def _parser() -> Any:
    from hydra._internal.utils import get_args_parser

    return get_args_parser()
