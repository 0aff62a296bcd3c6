"""Checkpoint files of one run: where to go on from. Made after the tables were written, so that a checkpoint never
knows of rows that the tables lack.

checkpoint_000001.bin, checkpoint_000002.bin ...: a line with the SHA-256 of all that follows; a line of JSON, Position;
the state of the training, bytes that mean something to whoever trains. The two newest are kept: should the newest be
damaged, the one before serves. Written in one step, but not forced to the disk: after a power cut a checkpoint or a
table may be missing or damaged, which is found out, and the one before is used or the run begins anew.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from vgp_bench.records.files import writing

FORMAT = 1
"""To be raised when the state means something else, so that it is not taken for what it was."""

KEPT = 2

_FILE = re.compile(r"checkpoint_(\d{6,})\.bin")


@dataclass(frozen=True)
class Position:
    """Where a checkpoint stands. step: optimizer steps done; rows: of each table, by name, up to there;
    peak_memory_bytes: the most memory held until then."""

    step: int
    rows: dict[str, int]
    peak_memory_bytes: float = 0.0
    format: int = FORMAT


class Damaged(Exception):  # noqa: N818  what was found, no error of ours
    """A checkpoint that cannot be used; says why."""


class Checkpoints:
    """The checkpoint files in one directory. write: puts content at a path in one step, as the owner of the run."""

    def __init__(self, folder: Path, write: Callable[[Path, bytes], None]) -> None:
        self.folder = folder
        self._write = write
        self._number = 0

    def save(self, position: Position, state: bytes) -> None:
        """One more, and away with all but the KEPT newest. Raises ResultsError if the disk refuses."""
        body = json.dumps(asdict(position)).encode() + b"\n" + state
        existing = self._existing()
        self._number = max([self._number, *existing]) + 1  # never a number twice: the highest is the newest
        content = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
        self._write(self.folder / f"checkpoint_{self._number:06}.bin", content)
        self._remove(existing[: max(0, len(existing) + 1 - KEPT)])

    def exist(self) -> bool:
        """Whether there is one, good or bad. Raises ResultsError if the disk refuses."""
        with writing(self.folder):
            return bool(self._existing())

    def newest_first(self) -> Iterator[tuple[Path, Position, bytes] | Damaged]:
        """(file, position, state) of each, or what is wrong with it.

        Raises OSError where the disk does not give it: that may pass, and says nothing against what it holds.
        """
        for number in reversed(self._existing()):
            path = self._path(number)
            try:
                yield path, *_read(path)
            except Damaged as problem:
                yield problem

    def remove_after(self, last: Path) -> None:
        """Away with all that are newer than this one. They could not be used; if that was a passing fault of the disk,
        they would one day come back and fit to rows that are no longer theirs."""
        self._remove([number for number in self._existing() if self._path(number).name > last.name])

    def clear(self) -> None:
        """Away with all. Raises ResultsError if the disk refuses."""
        self._remove(self._existing())

    def _remove(self, numbers: list[int]) -> None:
        with writing(self.folder):
            for number in numbers:
                self._path(number).unlink(missing_ok=True)

    def _existing(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return sorted(int(match[1]) for path in self.folder.iterdir() if (match := _FILE.fullmatch(path.name)))

    def _path(self, number: int) -> Path:
        return self.folder / f"checkpoint_{number:06}.bin"


def _read(path: Path) -> tuple[Position, bytes]:
    checksum, _, body = path.read_bytes().partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        raise Damaged(f"{path.name} is damaged (its checksum is wrong)")
    head, _, state = body.partition(b"\n")
    content = json.loads(head)
    if content.get("format") != FORMAT:
        raise Damaged(f"{path.name} was made by another version (format {content.get('format')}, not {FORMAT})")
    return Position(**content), state
