"""Sweeps with faults through the real command line: every other run completes, every failure is named, and the same
command, once the faults are cured and the small disk has room, finishes what is missing and nothing else.

Runs that die or hang need launcher=local, a process each. Runs that raise, diverge or find the disk full are also put
into a sweep of launcher=inline, where they share a process with those they must not harm.
"""

import argparse
import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from benchmarks import fault_checks as checks
from benchmarks.calling import empty_folder, leave, output, whole
from benchmarks.fault_cases import BYTES_OF_A_RUN, KINDS, ON_SMALL_DISK, Case, make_cases, words_of, write_study
from benchmarks.small_disk import SmallDisk, in_own_namespace, why_not
from vgp_bench.plural import plural
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import write_text

ROOT = Path(__file__).parents[2]
IN_PROCESSES = 6
"""One of so many runs is in the sweep with a process a run: a process takes ten times as long as a run."""
HEAD = [
    "| launcher | fault | runs | ended well at first | ended otherwise, each named | run again | well in the end |",
    "|---|---|---|---|---|---|---|",
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("runs", type=whole(1), nargs="?", default=300)
    parser.add_argument("--launcher", choices=["local", "inline"], help="only this one of the two sweeps")
    parser.add_argument("--faults", choices=KINDS, nargs="*", default=[*KINDS], help="only these")
    parser.add_argument(
        "--keep", type=empty_folder, help="leave the runs in this folder (a small disk's cannot be kept)"
    )
    parser.add_argument("--out", type=output, help="also write the report to this file")
    arguments = parser.parse_args()
    lines, wrong = [], []
    if ON_SMALL_DISK in arguments.faults:
        if reason := why_not():
            print(f"scripts/faults: no small disk ({reason}): name the other --faults", file=sys.stderr)
            return 2
        in_own_namespace("benchmarks.faults", sys.argv[1:])
    counts = {"local": arguments.runs // IN_PROCESSES, "inline": arguments.runs - arguments.runs // IN_PROCESSES}
    if arguments.launcher:
        counts = {arguments.launcher: arguments.runs}
    top = Path(arguments.keep or tempfile.mkdtemp(prefix="vgp-faults-")).resolve()
    for launcher, count in counts.items():
        folder = top / launcher
        folder.mkdir(parents=True)
        with contextlib.chdir(folder):
            more, problems = _sweep(launcher, make_cases(count, launcher, arguments.faults))
        lines, wrong = lines + more, wrong + problems
    if not arguments.keep:
        shutil.rmtree(top)
    end = f"{plural(sum(counts.values()), 'run')}, {plural(len(wrong), 'problem')}"
    text = "\n".join([*HEAD, *(line for line in lines if line.startswith("|")), "",
                      *(line for line in lines if not line.startswith("|")), end])  # fmt: skip
    print(text)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    if arguments.out is not None:
        write_text(arguments.out, f"{_title()}\n{text}\n")
    return 1 if wrong else 0


def _sweep(launcher: str, cases: list[Case]) -> tuple[list[str], list[str]]:
    """A sweep, called three times in the present folder; lines of the report, and what is wrong."""
    write_study(Path.cwd(), cases)
    on_disk = sum(case.name == ON_SMALL_DISK for case in cases)
    # What the launcher writes of every task before the first begins, a third of the runs, and one more for all that is
    # there only while runs run.
    room = on_disk * 8192 + (on_disk // 3 + 1) * BYTES_OF_A_RUN[launcher]
    disk = SmallDisk(Path("small"), room) if on_disk else None
    first = call(launcher)
    wrong = checks.first_call(first, cases)
    found = checks.records(cases)
    wrong += checks.unreadable(found)
    missing = {seed for seed, mark, _ in first.ends() if mark not in checks.RESULT}
    whole = [run for seed, run in found.items() if seed not in missing]
    if disk:
        short = sum(case.name == ON_SMALL_DISK and case.seed in missing for case in cases)
        if not 0 < short < on_disk:
            wrong.append(f"{short} of {on_disk} runs found the small disk full: it should fill on the way")
        disk.make_room()
    Path("cured").touch()
    untouched = checks.files_of(whole)
    second = call(launcher)
    wrong += checks.later_call(second, missing, len(cases))
    found = checks.records(cases)
    wrong += checks.unreadable(found) + checks.all_there(found, cases)
    if untouched != checks.files_of(whole):
        wrong.append("a run that was complete has been touched")
    third = call(launcher)
    wrong += checks.later_call(third, set(), len(cases))
    if disk:
        disk.unmount()
    seconds = ", ".join(f"{one.seconds:.0f}" for one in (first, second, third))
    problems = [f"{launcher}: {line}" for line in wrong]
    return [*_rows(launcher, cases, first, second), f"launcher={launcher}: the three calls took {seconds} s."], problems


def call(launcher: str) -> checks.Call:
    """The command of a sweep, in the present folder."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "vgp_bench", *words_of(launcher)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - began
    return checks.Call(done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), seconds)


def _rows(launcher: str, cases: list[Case], first: checks.Call, second: checks.Call) -> list[str]:
    """A row for each kind of fault."""
    marks = {seed: mark for seed, mark, _ in first.ends()}
    again = {seed: mark for seed, mark, _ in second.ends()}
    rows = []
    for name in dict.fromkeys(sorted(case.name for case in cases)):
        seeds = [case.seed for case in cases if case.name == name]
        well = sum(marks.get(seed) in checks.RESULT for seed in seeds)
        ends = Counter(mark.lower() for seed in seeds if (mark := marks.get(seed, "nothing")) not in checks.RESULT)
        other = ", ".join(f"{count} {mark}" for mark, count in ends.items()) or "0"
        ran = sum(seed in again for seed in seeds)
        in_the_end = sum(again.get(seed, marks.get(seed)) in checks.RESULT for seed in seeds)
        rows.append(f"| {launcher} | {name} | {len(seeds)} | {well} | {other} | {ran} | {in_the_end} |")
    return rows


def _title() -> str:
    here = describe_environment("cpu", [])
    return f"""\
# Sweeps with faults, and the same command again: scripts/faults

{here["cpu"]}, {here["cpu_count"]} cores, Linux, Python {platform.python_version()}, torch {torch.__version__} on CPU.
Three calls of one command. After the first the faults are cured and the small disk, a tmpfs that filled in the midst
of the sweep, has room; the second must run what did not end well and nothing else, without touching a file of the
others; the third must run nothing.
"""


if __name__ == "__main__":
    leave("scripts/faults", main)
