"""What must hold after a call of a fault sweep; each check returns lines on what does not."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fault_cases import Case
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord, find_runs
from vgp_bench.records.rows import TABLES

RESULT = ("done", "DIVERGED")
Files = dict[str, tuple[int, int, int]]
"""Path -> time of its last change (ns), bytes, inode."""


@dataclass(frozen=True)
class Call:
    """What a call of the command printed, how it ended, and its seconds."""

    code: int
    out: list[str]
    err: list[str]
    seconds: float

    def ends(self) -> list[tuple[int, str, str]]:
        """(seed, mark, line) of every run that this call ran."""
        found = (re.match(r"\[ *\d+/\d+\] (\w+) .*\bseed=(\d+)\b", line) for line in self.out)
        return [(int(match[2]), match[1], match.string) for match in found if match]


def first_call(call: Call, cases: Sequence[Case]) -> list[str]:
    """Every run has come to the end that its fault leads to, and each that is no result is named."""
    wrong, ends = [], {seed: (mark, line) for seed, mark, line in call.ends()}
    failed = {seed for seed, (mark, _) in ends.items() if mark not in RESULT}
    for case in cases:
        mark, line = ends.get(case.seed, ("nothing", ""))
        if mark not in case.kind.states:
            wrong.append(f"seed={case.seed} ({case.name}): {mark}, not {' or '.join(case.kind.states)}: {line}")
        elif mark not in RESULT and not re.search(rf"[ :]{case.kind.reason}", line):
            wrong.append(f"seed={case.seed} ({case.name}): no such reason as {case.kind.reason}: {line}")
    if len(call.ends()) != len(cases):
        wrong.append(f"{len(call.ends())} lines for {len(cases)} runs")
    if call.code != (2 if any(mark == "REFUSED" for mark, _ in ends.values()) else 1):
        wrong.append(f"exit code {call.code}")
    return wrong + _last_lines(call, failed) + _places(call, failed)


def _last_lines(call: Call, failed: set[int]) -> list[str]:
    """The last lines name every run that is no result, or how many more there are and the command that names them."""
    named = {int(seed) for line in call.err for seed in re.findall(r"\bseed=(\d+)", line)}
    more = [int(count[1]) for line in call.err if (count := re.match(r"and (\d+) more .*: vgp-bench status ", line))]
    if named <= failed and len(named) + sum(more) == len(failed):
        return []
    return [f"the last lines name {sorted(named)} and {more} more, of {len(failed)}: {call.err}"]


def _places(call: Call, failed: set[int]) -> list[str]:
    """What the lines on a failed run tell to see is there to be seen."""
    wrong = []
    lines = [line for seed, _, line in call.ends() if seed in failed]
    for line in [*lines, *call.err]:
        for place in re.findall(r"\bsee (\S+?)\)?(?=$|\s)", line):
            if "/" in place and not Path(place).exists():
                wrong.append(f"no such file: {place}: {line}")
    logs = sum("; see /" in line or "disk full" in line or "(see " in line for line in [*lines, *call.err])
    if failed and not logs:
        wrong.append("nothing says where to read more")
    return wrong


def later_call(call: Call, missing: set[int], total: int) -> list[str]:
    """It ran what was missing, each once, and all is well."""
    wrong = []
    ran = sorted(seed for seed, _, _ in call.ends())
    if ran != sorted(missing):
        wrong.append(f"ran {ran}, but {sorted(missing)} were missing")
    if bad := [line for _, mark, line in call.ends() if mark != "done"]:
        wrong.append(f"not completed though cured: {bad}")
    said = f"{total - len(missing)} of {total} runs finished earlier and not run again"
    if said not in call.out:
        wrong.append(f"it does not say: {said}")
    amiss = [line for line in call.err if not line.endswith(", loading torch ...")]
    if call.code or amiss:
        wrong.append(f"exit code {call.code}, {amiss}")
    return wrong


def records(cases: Iterable[Case]) -> dict[int, RunRecord]:
    """The runs on disk, by their seed."""
    places = sorted({case.results for case in cases if case.results.is_dir()})
    return {-number if run.seed is None else run.seed: run for number, run in enumerate(find_runs(places))}


def unreadable(found: dict[int, RunRecord]) -> list[str]:
    """Records and tables that cannot be read."""
    wrong = [f"{run.path}: {run.reason}" for run in found.values() if run.state == "damaged"]
    for run in found.values():
        for table in TABLES:
            try:
                run.columns(table)
            except ResultsError as error:
                wrong.append(str(error))
    return wrong


def all_there(found: dict[int, RunRecord], cases: Sequence[Case]) -> list[str]:
    """After all was cured every run has its record, and it is whole."""
    states = {case.seed: found[case.seed].state if case.seed in found else "nothing" for case in cases}
    wrong = [
        f"seed={case.seed} ({case.name}): {states[case.seed]} in the end, not {case.last_state}"
        for case in cases
        if states[case.seed] != case.last_state
    ]
    short = [run.seed for run in found.values() if run.state == "completed" and run.summary and run.summary.steps != 6]
    return wrong + ([f"not all steps: seeds {short}"] if short else [])


def files_of(runs: Iterable[RunRecord]) -> Files:
    """The files of these runs, to tell later whether somebody touched them."""
    paths = [path for run in runs for path in run.path.iterdir()]
    return {str(path): ((s := path.stat()).st_mtime_ns, s.st_size, s.st_ino) for path in paths}
