"""The keys of an option and what they mean, as the comments in its file say. Read as text: neither Hydra nor torch."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vgp_bench.config import config_dir

_KEY = re.compile(r"([A-Za-z_]\w*):(?: +(.*?))??(?: +# *(.*))?")


class OptionKey(NamedTuple):
    """A key at the margin of an option's file, its value as it stands there, and the comment behind it."""

    name: str
    value: str
    comment: str


def option_keys(file: Path) -> list[OptionKey]:
    """The keys of this file, without what it builds."""
    return [key for key in _keys(file) if key.name not in ("_target_", "defaults")]


def comment_of(group: str, option: str, key: str, folders: Sequence[Path] = ()) -> str:
    """What the file of an option says of a key, up to the first semicolon; "" if nothing."""
    for folder in (config_dir(), *folders):
        file = folder / group / f"{option}.yaml"
        if file.exists():
            return next((found.comment.split(";")[0] for found in option_keys(file) if found.name == key), "")
    return ""


def launchers_with(key: str) -> list[str]:
    """The launchers that have this key."""
    files = sorted((config_dir() / "launcher").glob("*.yaml"))
    return [file.stem for file in files if key in (found.name for found in option_keys(file))]


def _keys(file: Path) -> Iterator[OptionKey]:
    for line in file.read_text(encoding="utf-8").splitlines():
        if match := _KEY.fullmatch(line):
            yield OptionKey(match[1], match[2] or "", match[3] or "")
