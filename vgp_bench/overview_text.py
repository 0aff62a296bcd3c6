"""An overview of runs as text for a terminal."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml

from vgp_bench.overview import STATES, UNDER_WAY, Entry, Overview, SweepState
from vgp_bench.plural import plural
from vgp_bench.progress import duration
from vgp_bench.run_log import resumptions

WIDTH = 80
MOST_RUNNING = 20
"""So many running runs are named: for each, files are opened."""


def overview_text(overview: Overview, width: int | None = None, most: int | None = None) -> str:
    """Counts by state, the running runs, those that did not complete with their reasons, the sweeps.

    width: characters of a line at most; not given: the terminal's, at least WIDTH. most: so many running runs at most
    are named, and so many that did not complete; the rest is a count. None: all that did not complete.
    """
    width = width or max(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    counts = overview.counts
    words = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    total = plural(len(overview.entries), "run")
    lines = textwrap.wrap(f"{total}: {', '.join(words)}", width, subsequent_indent="  ")
    if running := overview.of("running"):
        lines += ["", f"{'running':<12}  {'for':>10}  {'on':<20}  at", *_running(running, most)]
    lines += _not_completed(overview, most)
    for sweep in overview.sweeps:
        if sweep.is_under_way or sweep.waiting:
            lines += ["", *_sweep(sweep)]
    return "\n".join(part for line in lines for part in _wrapped(line, width))


def _wrapped(line: str, width: int) -> list[str]:
    """A line in parts of that width; those after the first are indented more."""
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False)


def screen_text(overview: Overview) -> str:
    """The same for a terminal that shows it again and again: as much as there is room for."""
    columns, rows = shutil.get_terminal_size((WIDTH, 24))
    for most in (rows // 2, rows // 4, rows // 8, 1):
        lines = overview_text(overview, columns, most).split("\n")
        if len(lines) < rows:  # the cursor takes the last row
            return "\n".join(lines)
    return "\n".join([*lines[: max(1, rows - 2)], "..."])  # and not the counts on top, which would scroll out


def _running(entries: Sequence[Entry], most: int | None) -> Iterator[str]:
    shown = entries[: min(most or MOST_RUNNING, MOST_RUNNING)]
    for entry in shown:
        assert entry.status is not None
        host = f"{entry.status.host[:13]}:{entry.status.pid}"
        since, place = _since(entry.status.started), _place(entry.path)
        yield f"{entry.path.name:<12}  {since:>10}  {host:<20}  {place:<22}  {entry.label}".rstrip()
    if more := len(entries) - len(shown):
        yield f"and {more} more"


def _place(path: Path) -> str:
    """The step a run has reached, as far as it is written, and the epoch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        steps, epochs = (
            pq.read_metadata(file).num_rows if (file := path / f"{table}.parquet").exists() else 0
            for table in ("steps", "epochs")
        )
        config = yaml.safe_load((path / "config.yaml").read_text())
        resumed = f" (resumed at {steps_before[-1]:,})" if (steps_before := resumptions(path)) else ""
        return f"step {steps:,}{resumed}, epoch {epochs + 1} of {config['trainer']['max_epochs']}"
    except (OSError, pa.ArrowException, yaml.YAMLError, KeyError, TypeError):
        return "just begun"


def _since(started: str) -> str:
    try:
        return duration(max(0.0, (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()))
    except ValueError:
        return "?"


def _not_completed(overview: Overview, most: int | None) -> Iterator[str]:
    """By state and reason: equal ones are named below it once."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for state in ("failed", "lost", "interrupted", "damaged"):
        for entry in overview.of(state):
            groups.setdefault((state, entry.status.reason if entry.status else ""), []).append(entry)
    named = 0
    for (state, reason), entries in groups.items():
        if named == most:
            break
        yield ""
        yield f"{state}{f', {len(entries)} runs' if len(entries) > 1 else ''}: {reason}"
        for entry in entries if most is None else entries[: most - named]:
            yield f"  {entry.path.name:<12}  {entry.label}".rstrip()
            named += 1
    if more := sum(map(len, groups.values())) - named:
        yield f"and {more} more"
    if groups:
        yield ""
        yield "More about one: vgp-bench log RUN"


def _sweep(state: SweepState) -> Iterator[str]:
    sweep = state.sweep
    started = sweep.started.replace("T", " ")[:16]
    runs = plural(len(sweep.runs), "run")
    yield f"sweep {sweep.id}, started {started} UTC, launcher={sweep.launcher}, {runs}"
    yield f"  {' '.join(sweep.command)}"
    if state.waiting:
        these = f"{plural(state.waiting, 'run', 'are')} left"
        yield f"  {these} and nobody is working on it: the same command goes on"
        return
    words = [f"{state.counts[name]} {name}" for name in UNDER_WAY if state.counts[name]]
    words.append(f"{state.ended_lately} ended in the last hour")
    if state.remaining is not None:
        words.append(f"about {duration(state.remaining.total_seconds())} left")
    yield f"  {', '.join(words)}"
