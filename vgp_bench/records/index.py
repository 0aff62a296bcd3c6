"""A file that spares reading thousands of unchanged small files again. Never the truth: delete it at will.

It lies in the folder that was searched and holds, for each run below, the contents of its small files and their
signature. An entry counts only while the signature of every one of these files is still the same; what it does not
know, or knows of another state of the files, is read. Damaged runs are not in it.

Two lines of JSON: a header with a checksum, then the contents; what many runs share (environment, choices, sections
of the config) stands there once. A file that is damaged, or of another version of this package, is not used.
"""

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vgp_bench.errors import ResultsError
from vgp_bench.records.contents import Contents
from vgp_bench.records.files import write_atomically
from vgp_bench.records.folders import SMALL_FILES, RunFolder
from vgp_bench.records.status import Status
from vgp_bench.records.summary import Summary
from vgp_bench.version import __version__

NAME = ".vgp-bench-index.json"

FORMAT = 1
"""To be raised when the layout of the file changes, or what read_contents makes of the same files."""

LEAST_RUNS = 50
"""A folder with fewer runs is read as fast without."""

STALE_SHARE = 0.05
"""Share of runs not found in it from which writing it anew (all of it) pays."""

REST_NS = 2_000_000_000
"""A file may change twice within one tick of the clock, up to 2 s on some disks, and look the same after the second
time. So a run whose files are younger than this, at the time of the look, is not taken into the index."""

_STATUS = tuple(f.name for f in fields(Status))
_SUMMARY = tuple(f.name for f in fields(Summary))


def load(folder: Path, runs: Iterable[RunFolder]) -> dict[str, Contents]:
    """name -> contents of those of the runs that the index of this folder knows as they are now."""
    try:
        header, body = (folder / NAME).read_bytes().split(b"\n", 1)
        if json.loads(header) != _header(body):
            return {}
        index = json.loads(body)
        shared, entries = index["shared"], index["runs"]
        return {
            run.name: _contents(entry, shared)
            for run in runs
            if (entry := entries.get(run.name)) is not None and entry["signature"] == run.signature
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # none, or one that cannot be used


def save(folder: Path, runs: Sequence[tuple[RunFolder, Contents]]) -> None:
    """Writes the index of this folder anew, from runs at rest. Where that is impossible (read-only folder, full disk),
    it does nothing."""
    shared = _Shared()
    entries = {}
    for run, contents in runs:
        with contextlib.suppress(ValueError, TypeError):  # a YAML value for which JSON has no form, say a date
            entries[run.name] = _entry(run, contents, shared)
    body = f'{{"shared":[{",".join(shared.texts)}],"runs":{_compact(entries)}}}'.encode()
    with contextlib.suppress(ResultsError):
        write_atomically(folder / NAME, _compact(_header(body)).encode() + b"\n" + body)


def worth_saving(folder: Path, missing: int, runs: int) -> bool:
    """Whether to write the index anew when it did not know so many of the runs."""
    return runs >= LEAST_RUNS and missing > STALE_SHARE * runs and os.access(folder, os.W_OK)


def at_rest(run: RunFolder, looked_ns: int) -> bool:
    """Whether the files of this run are old enough for their signature to tell the next change.

    looked_ns: a time before the signature was taken, in ns since 1970.
    """
    return run.newest() < looked_ns - REST_NS


def _header(body: bytes) -> dict[str, Any]:
    layout = repr((FORMAT, __version__, SMALL_FILES, _STATUS, _SUMMARY))
    return {"layout": hashlib.sha256(layout.encode()).hexdigest()[:16], "crc32": zlib.crc32(body)}


def _entry(run: RunFolder, contents: Contents, shared: "_Shared") -> dict[str, Any]:
    config, choices, environment, status, summary = contents
    return {
        "signature": run.signature,
        "config": [shared.number(value, key) for key, value in config.items()],
        "choices": shared.number(choices),
        "environment": shared.number(environment),
        "status": [getattr(status, name) for name in _STATUS],
        "summary": None if summary is None else [getattr(summary, name) for name in _SUMMARY],  # NaN and inf as Python
    }


def _contents(entry: Mapping[str, Any], shared: list[dict[str, Any]]) -> Contents:
    config: dict[str, Any] = {}
    for number in entry["config"]:
        config.update(shared[number])
    summary = entry["summary"]
    return Contents(
        config=config,
        choices=shared[entry["choices"]],
        environment=shared[entry["environment"]],
        status=Status(*entry["status"]),
        summary=None if summary is None else Summary(*summary),
    )


class _Shared:
    """JSON texts of the values that runs may have in common, numbered. All values must live as long as this does."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self._numbers: dict[tuple[str | None, int], int] = {}

    def number(self, value: Any, key: str | None = None) -> int:
        """The number of the value, or of {key: value}. Raises ValueError or TypeError if JSON would change it."""
        known = (key, id(value))  # most are one object in thousands of runs
        if known not in self._numbers:
            whole = value if key is None else {key: value}
            text = _compact(whole)
            _check_keys(whole)
            self._numbers[known] = self.texts.setdefault(text, len(self.texts))
        return self._numbers[known]


def _check_keys(value: Any) -> None:
    if isinstance(value, dict):
        if not all(type(key) is str for key in value):
            raise TypeError("JSON would turn this key into text")
        value = value.values()
    elif not isinstance(value, list):
        return
    for item in value:
        _check_keys(item)


_compact = json.JSONEncoder(separators=(",", ":")).encode
