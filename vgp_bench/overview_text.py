"""An overview of runs as text for a terminal."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import yaml

from vgp_bench.overview import STATES, UNDER_WAY, Entry, Overview, SweepState
from vgp_bench.progress import duration

WIDTH = 80
MOST_NAMED = 20


def overview_text(overview: Overview, width: int | None = None) -> str:
    """Counts by state, the running runs, those that did not complete with their reasons, the sweeps.

    width: characters of a line at most; not given: the terminal's, at least WIDTH.
    """
    width = width or max(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    counts = overview.counts
    words = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    total = f"{len(overview.entries)} run{'s' if len(overview.entries) != 1 else ''}"
    lines = textwrap.wrap(f"{total}: {', '.join(words)}", width, subsequent_indent="  ")
    if running := overview.of("running"):
        lines += ["", f"{'running':<12}  {'for':>10}  {'on':<20}  {'at':<22}", *_running(running)]
    lines += _not_completed(overview)
    for sweep in overview.sweeps:
        if sweep.is_under_way:
            lines += ["", *_sweep(sweep)]
    return "\n".join(line if len(line) <= width else line[: width - 3] + "..." for line in lines)


def _running(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries[:MOST_NAMED]:
        assert entry.status is not None
        host = f"{entry.status.host[:13]}:{entry.status.pid}"
        since, place = _since(entry.status.started), _place(entry.path)
        yield f"{entry.path.name:<12}  {since:>10}  {host:<20}  {place:<22}  {entry.label}".rstrip()
    if len(entries) > MOST_NAMED:
        yield f"and {len(entries) - MOST_NAMED} more"


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
        return f"step {steps:,}, epoch {epochs + 1} of {config['trainer']['max_epochs']}"
    except (OSError, pa.ArrowException, yaml.YAMLError, KeyError, TypeError):
        return "just begun"


def _since(started: str) -> str:
    try:
        return duration(max(0.0, (datetime.now(UTC) - datetime.fromisoformat(started)).total_seconds()))
    except ValueError:
        return "?"


def _not_completed(overview: Overview) -> Iterator[str]:
    """By state and reason: equal ones are named below it once."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for state in ("failed", "lost", "interrupted", "damaged"):
        for entry in overview.of(state):
            groups.setdefault((state, entry.status.reason if entry.status else ""), []).append(entry)
    named = 0
    for (state, reason), entries in groups.items():
        if named == MOST_NAMED:
            break
        yield ""
        yield f"{state}{f', {len(entries)} runs' if len(entries) > 1 else ''}: {reason}"
        for entry in entries[: MOST_NAMED - named]:
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
    yield f"sweep {sweep.id}, started {started} UTC, launcher={sweep.launcher}, {len(sweep.runs)} runs"
    yield f"  {' '.join(sweep.command)}"
    words = [f"{state.counts[name]} {name}" for name in UNDER_WAY if state.counts[name]]
    words.append(f"{state.ended_lately} ended in the last hour")
    if state.remaining is not None:
        words.append(f"about {duration(state.remaining.total_seconds())} left")
    yield f"  {', '.join(words)}"
