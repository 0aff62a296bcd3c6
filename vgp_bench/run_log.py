"""One run by folder or id, and what there is to read of its end."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from vgp_bench.errors import ResultsError
from vgp_bench.overview import Entry, overview
from vgp_bench.sweep_record import log_path

_PROCESS = re.compile(r"\(process (\d+)\)$")
"""How the first line of each process ends, see worker."""

LEAST_DIGITS = 3
"""Digits of an id that name a run."""


def find_run(name: str, results: Path) -> Entry:
    """The run in the folder `name`, or the one below `results` whose id begins so.

    Raises ResultsError if there is none, or several.
    """
    folder = Path(name)
    if (folder / "status.json").exists():
        whole = overview([folder.parent if folder.name else folder.resolve().parent])  # its sweep has its label
        return next(entry for entry in whole.entries if entry.path.resolve() == folder.resolve())
    if len(name) < LEAST_DIGITS or not set(name) <= set("0123456789abcdef"):
        raise ResultsError(f"{name}: no folder of a run, and no id: give {LEAST_DIGITS} digits of it or more")
    found = [entry for entry in overview([results]).entries if entry.path.name.startswith(name)]
    if not found:
        raise ResultsError(f"{name}: no run below {results} has an id that begins so; see vgp-bench status {results}")
    if len(found) > 1:
        some = ", ".join(str(entry.path) for entry in found[:4]) + (", ..." if len(found) > 4 else "")
        raise ResultsError(f"{name}: the beginning of {len(found)} ids: {some}; give more digits, or the folder")
    return found[0]


def log_text(entry: Entry, lines: int) -> str:
    """Its state in words, the last lines of its log and its traceback, as far as there are such."""
    return "\n".join(_parts(entry, lines))


def _parts(entry: Entry, lines: int) -> Iterator[str]:
    status = entry.status
    yield f"{entry.path}{f'  {entry.label}' if entry.label else ''}"
    if status is None:
        yield "queued: it has not begun"
    else:
        times = [f"started {_words(status.started)}"] if status.started else []
        times += [f"ended {_words(status.ended)}"] if status.ended else []
        where = [f"process {status.pid} on {status.host}"] if status.host else []
        yield f"{status.state}{f': {status.reason}' if status.reason else ''}"
        yield from [", ".join([*times, *where])] if times or where else []
        if steps := resumptions(entry.path):
            yield f"gone on with from step {', then from step '.join(f'{step:,}' for step in steps)}"
    log = log_path(entry.path)
    if log.exists():
        text = log.read_text(errors="replace").splitlines()
        more = f", the last {lines} of {len(text)} lines" if len(text) > lines else ""
        processes = len(dict.fromkeys(match[1] for line in text if (match := _PROCESS.search(line))))
        several = f", of {processes} processes one after the other" if processes > 1 else ""
        yield f"\n{log}{several}{more}:"
        yield from text[-lines:] if lines > 0 else []
    traceback = entry.path / "traceback.txt"
    if traceback.exists():
        yield f"\n{traceback}:"
        yield traceback.read_text(errors="replace").rstrip()


def resumptions(run: Path) -> list[int]:
    """The steps from which a run was gone on with, in order."""
    try:
        entries = json.loads((run / "environment.json").read_text())["resumed"]
        return [int(entry["step"]) for entry in entries if entry["step"]]  # 0: begun anew
    except (OSError, ValueError, KeyError, TypeError):
        return []  # never, or it cannot be told


def _words(time: str) -> str:
    return f"{time.replace('T', ' ')[:19]} UTC"
