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


def listing(group: str | None = None, own_folder: Path | None = None) -> str:
    """Every option of every group (or of one), with what it is and its source, as text for the terminal.

    Raises ConfigError for an unknown group or a folder that does not exist.
    """
    known = LISTED_GROUPS
    if group is not None and group not in known:
        raise ConfigError(f"list {group}: no such group.{did_you_mean(group, known)} There are: {', '.join(known)}.")
    if own_folder is not None and not own_folder.is_dir():
        raise ConfigError(f"--config-dir {own_folder}: no such folder")
    folders = [config_dir(), *([own_folder] if own_folder else [])]
    width = max(60, shutil.get_terminal_size((110, 24)).columns)
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


def _lines(found: list[Option], width: int) -> Iterator[str]:
    column = max(len(option.name) for option in found) + 4
    for option in found:
        source = f" [{option.source}]" if option.source and option.source not in ("none", "none needed") else ""
        text = textwrap.wrap(f"{option.description}{source}", width - column) or [""]
        yield f"  {option.name:<{column - 4}}  {text[0]}"
        yield from (" " * column + more for more in text[1:])
