"""A line of the checklist: what was looked at, how it came out, and what is commonly said of it."""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["ok", "look", "no"]


@dataclass(frozen=True)
class Item:
    """name: what was looked at; measured: the figure in words; said: the common limit and who says so."""

    name: str
    mark: Mark
    measured: str
    said: str


def marked(fine: bool, bearable: bool) -> Mark:
    """ok: as it should be; look: worth a look; no: not to be lived with."""
    return "ok" if fine else "look" if bearable else "no"
