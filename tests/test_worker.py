"""A run in a process of its own, from a file: what its exit code and its outcome say; and many of them at once."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from threading import Barrier

import pytest

from tests.faulty import ROOT, folder_of_faults, tasks_of
from tests.made_runs import make_run, mlp_config
from vgp_bench import run, worker
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.records.broken_off import explain
from vgp_bench.records.reading import find_runs, read_run, read_status
from vgp_bench.records.store import RunStore
from vgp_bench.worker import outcome_path, read_outcome, work


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_faults(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(autouse=True)
def handlers_as_before():  # type: ignore[no-untyped-def]
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR2)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def spec_of(*words: str) -> Path:
    (task,) = tasks_of([words], Path("results"))
    TaskFiles(task).prepare()
    return TaskFiles(task).spec


@pytest.mark.parametrize(
    ("kind", "code", "state", "reason"),
    [
        ("none", 0, "completed", ""),
        ("diverge", 0, "diverged", "the "),
        ("raise", 1, "failed", "ArithmeticError: an own part"),
    ],
)
def test_the_exit_code_and_the_outcome_say_how_it_ended(kind: str, code: int, state: str, reason: str) -> None:
    spec = spec_of(f"optimizer.kind={kind}")
    assert work(spec) == code
    outcome = read_outcome(spec, "label")
    assert outcome is not None
    assert outcome.path
    assert (outcome.label, outcome.state, read_run(outcome.path).state) == ("label", state, state)
    assert outcome.reason.startswith(reason)
    assert (outcome.summary is None) == (state == "failed")
    assert read_run(outcome.path).environment["command"] == ["vgp-bench", "run", "..."]


def test_a_finished_run_is_kept_and_that_is_a_good_end() -> None:
    assert work(spec_of()) == 0
    spec = spec_of()
    assert not outcome_path(spec).exists(), "the end of the first attempt is forgotten"
    assert work(spec) == 0
    outcome = read_outcome(spec, "")
    assert outcome
    assert (outcome.state, outcome.reason) == ("kept", "completed")


def test_a_refused_run_says_why_and_writes_nothing() -> None:
    spec = spec_of("initializer=delta_orthogonal")
    assert work(spec) == 2
    outcome = read_outcome(spec, "")
    assert outcome
    assert outcome.reason.startswith("initializer=delta_orthogonal: the architecture has no convolutions")
    assert not list(Path("results").rglob("status.json"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2, signal.SIGINT])
def test_a_signal_in_the_middle_interrupts_it_and_it_can_go_on(number: signal.Signals) -> None:
    spec = spec_of("optimizer.kind=wait", "optimizer.mark=mark")
    threading.Thread(target=_signal_when, args=(Path("mark"), number)).start()
    assert work(spec) == 75
    assert read_outcome(spec, "") is None, "it has not ended"
    assert [found.state for found in find_runs(["results"])] == ["interrupted"]
    assert work(spec) == 0


def _signal_when(mark: Path, number: signal.Signals) -> None:
    while not mark.exists():
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(os.getpid(), number)


def test_a_signal_while_torch_is_imported_interrupts_it_too(tmp_path: Path) -> None:
    spec = spec_of()
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "vgp_bench.worker", str(spec)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert "(process " in process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "interrupted: what it has is kept\n"
        assert process.wait(60) == 75


def test_it_waits_for_another_process_that_has_the_run_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["refused", "refused", "completed"]

    def perform(*arguments: object) -> Outcome:
        state = answers.pop(0)
        return Outcome("", state, None, "another process is running it: there" if state == "refused" else "")

    monkeypatch.setattr(run, "perform", perform)
    monkeypatch.setattr(worker, "WAIT", 0.01)
    spec = spec_of()
    assert work(spec) == 69
    assert not outcome_path(spec).exists(), "whoever watches the other process would take it for its end"
    assert len(answers) == 2
    assert work(spec, wait=True) == 0
    assert answers == []


def test_what_is_no_spec_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("spec.json").write_text("{}")
    assert work(Path("spec.json")) == 2
    assert capsys.readouterr().err == "vgp-bench: spec.json is no spec of a run: KeyError: 'config'\n"
    assert work(Path("nothing.json")) == 2


def test_an_interrupted_run_that_nobody_will_begin_again_says_why_where_it_is_read() -> None:
    spec = spec_of("optimizer.kind=wait", "optimizer.mark=mark")
    threading.Thread(target=_signal_when, args=(Path("mark"), signal.SIGUSR2)).start()
    assert work(spec) == 75
    (before,) = find_runs(["results"])
    assert before.reason == "stopped by SIGUSR2"
    reason = "asked to leave by Slurm 3 times"
    command = [sys.executable, "-m", "vgp_bench.worker", "--gave-up", reason, str(spec)]
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 75
    (after,) = find_runs(["results"])
    assert (after.state, after.reason) == ("interrupted", reason)
    outcome = read_outcome(spec, "label")
    assert outcome
    assert (outcome.state, outcome.reason, outcome.path) == ("interrupted", reason, before.path.absolute())
    assert work(spec) == 0, "by hand it still goes on"
    assert [len(found.rows("steps")) for found in find_runs(["results"])] == [6]


def test_of_a_run_that_ended_or_is_in_hand_nothing_is_explained() -> None:
    run = make_run(Path("results"), mlp_config(), state="completed", test_accuracy=0.5)
    before = (run / "status.json").read_bytes()
    explain(run, "killed")
    assert (run / "status.json").read_bytes() == before
    store = RunStore(Path("results/other"))
    store.begin({}, {}, {})
    explain(store.path, "killed")
    assert read_status(store.path).state == "running"
    store.release()
    explain(store.path, "killed")
    status = read_status(store.path)
    assert (status.state, status.reason) == ("interrupted", "killed")
    explain(Path("results/nothing"), "killed")
    assert not Path("results/nothing").exists()


@pytest.mark.parametrize("words", [[], ["--nonsense", "spec.json"], ["--wait"], ["--gave-up", "why"]])
def test_other_words_are_told_what_to_write(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "vgp_bench.worker", *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "usage: python -m vgp_bench.worker [--wait] SPEC.json\n")


def at_once(specs: list[Path]) -> list[int | None]:
    """The exit codes of workers that all begin at the same moment, a process for each."""
    # From a process that has only imported what each would import: forks of this one, with its threads, could hang.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vgp_bench.run", "torch._inductor.config", __name__])
    gate = context.Barrier(len(specs))
    processes = [context.Process(target=begin, args=(spec.absolute(), gate)) for spec in specs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def begin(spec: Path, gate: Barrier) -> None:
    os.chdir(next(folder for folder in spec.parents if folder.name == "results").parent)
    gate.wait()
    sys.exit(work(spec))


@pytest.mark.parametrize("many", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_many_processes_write_into_one_results_folder(many: int) -> None:
    tasks = tasks_of([[f"seed={n}"] for n in range(many)], Path("results"))
    for task in tasks:
        TaskFiles(task).prepare()
    assert at_once([TaskFiles(task).spec for task in tasks]) == [0] * many
    runs = find_runs(["results"])
    assert sorted((found.seed, found.state) for found in runs) == [(n, "completed") for n in range(many)]
    assert {found.path for found in runs} == {task.path for task in tasks}
    assert [len(found.rows("steps")) for found in runs] == [6] * many
    losses = {tuple(found.rows("steps")["loss"]) for found in runs}
    assert len(losses) == many, "each seed has numbers of its own"
    assert not list(Path("results").rglob(".*.tmp"))


def test_processes_that_begin_the_same_run_at_once_make_one_record() -> None:
    spec = spec_of("seed=1")
    codes = at_once([spec] * 4)
    assert 0 in codes, "one at least has done it"
    assert set(codes) <= {0, 69}
    (found,) = find_runs(["results"])
    assert (found.state, len(found.rows("steps"))) == ("completed", 6)
