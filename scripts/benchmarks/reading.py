"""How long thousands of run directories take to read: the first time, again, and after some of them changed.

python -m benchmarks.reading RUNS, with scripts/ on PYTHONPATH: RUNS is a folder of real runs, of which copies are made
that differ in their seed and learning rate. Each time is that of a fresh process, imports included.
"""

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from vgp_bench.records.environment import describe_environment
from vgp_bench.records.files import write_atomically
from vgp_bench.records.folders import SMALL_FILES
from vgp_bench.records.index import NAME, REST_NS
from vgp_bench.records.reading import find_runs

SEEDS = 5
"""Runs that differ in nothing else: as many as a careful study has."""

READ = """
import time
started = time.perf_counter()
from vgp_bench.records.reading import find_runs
imported = time.perf_counter()
runs = find_runs([FOLDER])
print(time.perf_counter() - imported)
"""

COMPARE = (
    READ
    + """
begun = time.perf_counter()
from vgp_bench.compare import compare
compare(runs)
print(time.perf_counter() - begun)
"""
)


def make_runs(source: Path, folder: Path, count: int) -> list[Path]:
    """So many run directories in `folder`, small files only: copies of real runs with other seeds and rates."""
    models = sorted({_without_seed(run.path): run.path for run in find_runs([source])}.values())
    made = []
    for number in range(count):
        group, seed = divmod(number, SEEDS)
        model = models[group % len(models)]
        run = folder / f"study_{number % 4}" / f"{number:012x}"
        run.mkdir(parents=True)
        for name in SMALL_FILES:
            if (model / name).exists():
                write_atomically(run / name, _varied(name, (model / name).read_text(), seed, group).encode())
        made.append(run)
    return made


def _without_seed(run: Path) -> str:
    return re.sub(r"\nseed: \d+", "", (run / "config.yaml").read_text())


def _varied(name: str, text: str, seed: int, group: int) -> str:
    if name == "config.yaml":
        text = re.sub(r"\nseed: \d+", f"\nseed: {seed}", text)
        return re.sub(r"\n  lr: \S+", f"\n  lr: {1e-4 * (1 + group)!r}", text)
    if name == "summary.json":  # every run has figures of its own
        summary = json.loads(text)
        return json.dumps({key: _shifted(value, seed + 7 * group) for key, value in summary.items()}, indent=2)
    return text


def _shifted(value: object, by: int) -> object:
    return value * (1 + 1e-6 * by) if isinstance(value, float) else value


def fresh(code: str, folder: Path) -> list[float]:
    """Seconds of a fresh process that runs this code, start and imports included: on the clock, of a core (which other
    work on the machine does not lengthen as much), and the parts it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    words = [sys.executable, "-c", code.replace("FOLDER", repr(str(folder)))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    of_a_core = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [seconds, of_a_core, *(float(word) for word in done.stdout.split())]


def forget(folder: Path) -> None:
    """Lets the kernel drop the contents of these files; names and times (inodes) stay in memory."""
    os.sync()
    for path in folder.rglob("*.*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def change(runs: Sequence[Path]) -> None:
    """As if each had been run again: its summary is another file."""
    for run in runs:
        text = (run / "summary.json").read_text()
        write_atomically(run / "summary.json", text.replace("{", "{ ", 1).encode())


def benchmark(source: Path, count: int, repeats: int) -> list[str]:
    """The lines of a table."""
    lines = [
        "| what | process, s | its CPU time, s | find_runs, s | compare, s | bound, s |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = make_runs(source, folder, count)
        time.sleep(REST_NS / 1e9 + 1)  # younger runs are not indexed
        index = folder / NAME

        def row(what: str, bound: str, code: str = READ, before: Callable[[], None] = lambda: None) -> None:
            times = []
            for _ in range(repeats):
                before()
                times.append(fresh(code, folder))
            parts = [f"{statistics.median(column):.2f}" for column in zip(*times, strict=True)]
            lines.append(f"| {what} | {' | '.join([*parts, ''][:4])} | {bound} |")
            print(lines[-1], flush=True)

        def first() -> None:
            index.unlink(missing_ok=True)

        def cold() -> None:
            first()
            forget(folder)

        row("first read, contents of the files not in memory", "10", before=cold)
        row("first read (index deleted), files in memory", "10", before=first)
        row("second read", "1")
        row("second read, index not in memory", "1", before=lambda: forget(folder))
        row("read after 100 runs changed", "", before=lambda: change(runs[:100]))
        row("first read and compare", "", COMPARE, first)
        row("second read and compare", "", COMPARE)
        lines.append("")
        lines.append(f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
        lines.append(f"Index: {index.stat().st_size / 2**20:.1f} MiB for {len(runs):,} runs.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.reading", description=__doc__)
    parser.add_argument("source", type=Path, metavar="RUNS", help="a folder of real runs")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--count", type=int, default=10_000, help="run directories")
    parser.add_argument("--repeats", type=int, default=3, help="processes timed for each row; the median counts")
    arguments = parser.parse_args()
    here = describe_environment("cpu", [])
    packages = ", ".join(f"{name} {version(name)}" for name in ("PyYAML", "numpy", "pandas"))
    lines = [
        f"# Reading {arguments.count:,} run directories, measured by scripts/benchmarks/reading.py",
        "",
        f"{here['cpu']}, {here['cpu_count']} cores, {here['platform']}, Python {platform.python_version()}, "
        f"{packages}; medians of {arguments.repeats} fresh processes.",
        "",
        *benchmark(arguments.source, arguments.count, arguments.repeats),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
