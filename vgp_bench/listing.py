"""What can be composed, read from the config files: the first comment says what an option is, `# Source:` from where.

The files are read as text, so that the answer comes at once: neither Hydra nor torch is imported.
"""

import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vgp_bench.config import LISTED_GROUPS, config_dir
from vgp_bench.config_check import did_you_mean
from vgp_bench.errors import ConfigError
from vgp_bench.option_keys import option_keys


class Option(NamedTuple):
    """One option of a group, as its file describes it."""

    name: str
    description: str
    source: str


def options(group: str, folders: list[Path]) -> list[Option]:
    """The options of a group in the folders, by name. A later folder does not replace an earlier one's option."""
    found: dict[str, Option] = {}
    for folder in folders:
        for path in sorted((folder / group).glob("*.yaml")):
            found.setdefault(path.stem, _read(path))
    return [found[name] for name in sorted(found)]


def listing(asked: str | None = None, own_folder: Path | None = None) -> str:
    """Every option of every group, with what it is and its source, as text for the terminal; or of the asked one; or,
    asked for GROUP=OPTION, the keys of that.

    Raises ConfigError for an unknown group or option, or a folder that does not exist.
    """
    known = LISTED_GROUPS
    group, _, option = (asked or "").partition("=")
    if asked is not None and group not in known:
        raise ConfigError(f"list {group}: no such group.{did_you_mean(group, known)} There are: {', '.join(known)}.")
    if own_folder is not None and not own_folder.is_dir():
        raise ConfigError(f"--config-dir {own_folder}: no such folder")
    folders = [config_dir(), *([own_folder] if own_folder else [])]
    width = max(60, shutil.get_terminal_size((110, 24)).columns)
    if option:
        return "\n".join(_option(group, option, folders, width))
    lines: list[str] = []
    for name in [group] if group else known:
        found = options(name, folders)
        if found:
            lines += [f"{name}=", *_lines(found, width), ""]
    return "\n".join(lines).rstrip()


def _read(path: Path) -> Option:
    comments = list(_leading_comments(path))
    source = next((c.removeprefix("Source:").strip() for c in comments if c.startswith("Source:")), "")
    texts = [c for c in comments if c and not c.startswith(("Source:", "@package"))]
    return Option(path.stem, texts[0] if texts else "(no description)", source)


def _leading_comments(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            return
        yield line.lstrip("# ").strip()


def _option(group: str, name: str, folders: list[Path], width: int) -> Iterator[str]:
    """One option: what it is, then its keys, each with its value and what its file says of it."""
    found = {option.name: option for option in options(group, folders)}
    if name not in found:
        there_are = f"There are: {', '.join(found)}."
        raise ConfigError(f"list {group}={name}: no such {group}.{did_you_mean(name, found)} {there_are}")
    yield f"{group}="
    yield from _lines([found[name]], width)
    file = next(path for folder in folders if (path := folder / group / f"{name}.yaml").exists())
    keys = option_keys(file)
    column = max((len(f"{group}.{key.name}={key.value}") for key in keys), default=0) + 4
    for key in keys:
        text = textwrap.wrap(key.comment, max(20, width - column)) or [""]
        yield f"  {f'{group}.{key.name}={key.value}':<{column - 4}}  {text[0]}".rstrip()
        yield from (" " * column + more for more in text[1:])


def _lines(found: list[Option], width: int) -> Iterator[str]:
    column = max(len(option.name) for option in found) + 4
    for option in found:
        source = f" [{option.source}]" if option.source and option.source not in ("none", "none needed") else ""
        text = textwrap.wrap(f"{option.description}{source}", width - column) or [""]
        yield f"  {option.name:<{column - 4}}  {text[0]}"
        yield from (" " * column + more for more in text[1:])
