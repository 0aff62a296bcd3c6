"""Runs what is missing of the set, several processes side by side; a finished run is not run again."""

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from diagnosis_set.cases import FOLDER, Labelled
from vgp_bench.composition import compose
from vgp_bench.config import config_dir
from vgp_bench.errors import ResultsError
from vgp_bench.plan import make_plan
from vgp_bench.records.reading import RunRecord, read_run
from vgp_bench.sweep import Sweep

ENDED = ("completed", "diverged")


def run_missing(
    cases: Sequence[Labelled], results: Path, data_dir: Path, processes: int = 2
) -> tuple[dict[str, RunRecord], list[str]]:
    """The run of every case by name, and the names of those that came to no result: what they said is in log-*.txt."""
    results.mkdir(parents=True, exist_ok=True)
    found = _found(cases, results)
    todo = [case for case in cases if case.name not in found]
    children = [_start(todo[number::processes], results, data_dir) for number in range(processes)] if todo else []
    for child in children:
        os.waitpid(child, 0)
    found = _found(cases, results)
    return found, [case.name for case in cases if case.name not in found]


def _found(cases: Sequence[Labelled], results: Path) -> dict[str, RunRecord]:
    """The finished runs. To compose the words takes a tenth of a second a case, so a note keeps which run they were."""
    configs, runs = _configs(), {}
    for case in cases:
        note = _note(case, results, configs)
        if not note.exists():
            continue
        try:
            record = read_run(results / json.loads(note.read_text())["run"])
        except ResultsError:
            continue
        if record.state in ENDED:
            runs[case.name] = record
    return runs


def _note(case: Labelled, results: Path, configs: str) -> Path:
    words = json.dumps([configs, *case.words])
    return results / "cases" / f"{hashlib.sha256(words.encode()).hexdigest()[:16]}.json"


def _configs() -> str:
    """A hash of every file that words can refer to."""
    files = sorted([*config_dir().rglob("*.yaml"), *(FOLDER / "configs").rglob("*.yaml")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _start(cases: Sequence[Labelled], results: Path, data_dir: Path) -> int:
    """A process that runs these cases one after the other; its number."""
    if pid := os.fork():
        return pid
    code = 70
    try:
        with (results / f"log-{os.getpid()}.txt").open("w") as log:
            _run(cases, results, data_dir, log)
        code = 0
    finally:
        os._exit(code)


def _run(cases: Sequence[Labelled], results: Path, data_dir: Path, log: io.TextIOBase | io.TextIOWrapper) -> None:
    configs = _configs()
    for case in cases:
        said, began = io.StringIO(), time.perf_counter()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            words = [*case.words, f"results_dir={results}", f"data_dir={data_dir}"]
            try:
                run = replace(compose(words)[0], label=case.name)
                (planned,) = make_plan([run]).runs
                Sweep(["scripts/score_diagnosis", case.name]).run_all([run])
            except Exception as error:  # the other cases are run all the same
                print(f"{type(error).__name__}: {error}")
            else:
                note = _note(case, results, configs)
                note.parent.mkdir(exist_ok=True)
                note.write_text(json.dumps({"case": case.name, "run": str(planned.path.relative_to(results))}))
        log.write(f"{case.name} ({time.perf_counter() - began:.1f} s): {said.getvalue()}\n")
        log.flush()


def doubles(records: Mapping[str, RunRecord]) -> list[str]:
    """Names of cases that are the same run as one before them: they would count twice."""
    seen: dict[Path, str] = {}
    return [name for name, record in records.items() if seen.setdefault(record.path, name) != name]
