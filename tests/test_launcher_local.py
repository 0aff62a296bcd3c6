"""Runs in processes of this machine: whatever befalls one, the others end as they should, and each end is named."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faulty import FAULTY, ROOT, TINY, Recorder, folder_of_faults, tasks_of
from tests.stand_ins import quick_workers
from vgp_bench.cli import main
from vgp_bench.errors import ConfigError
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.local import Local
from vgp_bench.launchers.processes import identity, lives
from vgp_bench.launchers.slots import slots, visible_gpus
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.records.reading import find_runs, read_run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_faults(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def launched(tasks: list[Task], recorder: Recorder | None = None, **settings: float) -> Recorder:
    recorder = recorder or Recorder()
    Local(**{"grace": 20.0, **settings}).launch(tasks, recorder)  # type: ignore[arg-type]
    return recorder


def until(condition: object, seconds: float = 60) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.slow
def test_of_24_runs_those_with_a_fault_are_named_and_the_others_complete(tmp_path: Path) -> None:
    faults = {
        3: ["optimizer.kind=raise"],
        6: ["optimizer.kind=exit"],
        9: ["optimizer.kind=kill"],
        12: ["optimizer.kind=hang"],
        15: ["optimizer.kind=diverge"],
        18: ["optimizer.kind=kill", f"optimizer.mark={tmp_path}/once"],  # the second attempt is spared
    }
    lines = [[f"seed={n}", *faults.get(n, [])] for n in range(1, 25)]
    seen = launched(tasks_of(lines, tmp_path / "results", "jobs=3"), time_limit=0.75, grace=0.5, restarts=1)
    expected = {3: "failed", 6: "lost", 9: "lost", 12: "lost", 15: "diverged"}
    assert seen.states() == {n: expected.get(n, "completed") for n in range(1, 25)}
    log = rf"; see {tmp_path}/results/default/\.sweep/logs/[0-9a-f]{{12}}\.log$"
    reasons = {
        3: r"ArithmeticError: an own part",
        6: r"its process ended with exit code 3",
        9: r"its process was killed by SIGKILL \(2 times\)",
        12: r"it ran longer than launcher\.time_limit=0\.75 minutes and was killed",
    }
    for number, reason in reasons.items():
        assert re.match(f"^{reason}{log}", seen.ends[number].reason)
    assert "with an own mind" in (seen.ends[3].path / "traceback.txt").read_text()  # type: ignore[operator]
    on_disk = {run.seed: run.state for run in find_runs([tmp_path / "results"])}
    assert on_disk == seen.states() | {number: on_disk[number] for number in (6, 9, 12)}
    assert all(on_disk[number] in ("lost", "interrupted") for number in (6, 9, 12)), "dead, and not still running"
    good = [o.summary for o in seen.ends.values() if o.state == "completed"]
    assert [summary.steps for summary in good if summary] == [6] * 19
    assert not list(tmp_path.rglob("*.holder.json"))


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that train nothing, for tests of what their launcher does: they spare the import of torch."""
    quick_workers(tmp_path, monkeypatch)


@pytest.mark.usefixtures("quick")
def test_no_more_than_jobs_run_at_once_and_they_share_the_cores(tmp_path: Path) -> None:
    class Counting(Recorder):
        most = 0

        def started(self, task: Task):  # type: ignore[no-untyped-def]
            announce = super().started(task)
            self.most = max(self.most, len(self.begun) - len(self.ends))
            return announce

    seen = Counting()
    launched(tasks_of([[f"seed={n}"] for n in range(5)], tmp_path / "results", "jobs=2"), seen)
    assert seen.most == 2
    assert set(seen.states().values()) == {"completed"}
    threads = max(1, len(os.sched_getaffinity(0)) // 2)
    assert (
        slots([task.composed for task in tasks_of([["jobs=2"]], tmp_path)], None, 1)
        == [{"OMP_NUM_THREADS": str(threads)}] * 2
    )


@pytest.mark.parametrize(
    ("words", "per_gpu", "gpus"),
    [
        (["device=auto"], 2, "0101"),
        (["device=cuda"], 1, "01"),
        (["device=auto", "jobs=3"], 2, "010"),
        (["device=auto", "jobs=9"], 1, "01"),
    ],
)
def test_gpus_come_by_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], per_gpu: int, gpus: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    runs = [task.composed for task in tasks_of([words], tmp_path)]
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(12)))
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in slots(runs, None, per_gpu)] == list(gpus)
    assert {slot["OMP_NUM_THREADS"] for slot in slots(runs, None, per_gpu)} == {str(12 // len(gpus))}


@pytest.mark.parametrize(
    ("words", "threads", "exported", "expected"),
    [
        (["jobs=auto"], None, None, (12, 1)),
        (["jobs=auto"], 4, "2", (3, 4)),
        (["jobs=auto"], None, "2", (6, 2)),
        (["jobs=auto"], 24, None, (1, 24)),
        (["jobs=5"], None, "1", (5, 2)),
        (["jobs=20"], None, None, (20, 1)),
    ],
)
def test_cores_are_divided(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    threads: int | None,
    exported: str | None,
    expected: tuple[int, int],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")  # of no use to runs on the CPU
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(12)))
    monkeypatch.setenv("OMP_NUM_THREADS", exported) if exported else monkeypatch.delenv("OMP_NUM_THREADS")
    found = slots([task.composed for task in tasks_of([words], tmp_path)], threads, 1)
    assert (len(found), found[0]) == (expected[0], {"OMP_NUM_THREADS": str(expected[1])})


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("", []), ("-1", []), ("3", ["3"]), ("2,MIG-a,-1,1", ["2", "MIG-a"]), ("0, 1", ["0", "1"])],
)
def test_the_gpus_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str, expected: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert visible_gpus() == expected


def test_the_gpus_the_driver_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho '  MIG 1g.5gb'\necho 'GPU 1: A (UUID: y)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert visible_gpus() == ["0", "1"]
    program.write_text("#!/bin/sh\necho 'no driver'\nexit 9\n")
    assert visible_gpus() == []


def test_a_worker_sees_the_one_gpu_of_its_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slots, three workers that write down what they see, and train nothing."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'vgp_bench.worker' in sys.orig_argv:\n"
        f"    open({str(tmp_path / 'seen')!r}, 'a').write(os.environ['CUDA_VISIBLE_DEVICES'] + '\\n')\n"
        "    os._exit(3)\n"  # that is all it is asked
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    tasks = tasks_of([[f"seed={n}", "device=auto"] for n in range(3)], tmp_path / "results")
    assert set(launched(tasks).states().values()) == {"lost"}
    seen = (tmp_path / "seen").read_text().split()
    assert (len(seen), set(seen)) == (3, {"0", "1"})


def test_ctrl_c_stops_the_running_ones_which_say_so_and_begins_no_more(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a `command &`\n"
        "from pathlib import Path; from tests.faulty import tasks_of, Recorder\n"
        "from vgp_bench.launchers.local import Local\n"
        "lines = [[f'seed={n}', 'optimizer.kind=wait', f'optimizer.mark=m{n}'] for n in range(3)]\n"
        "tasks, seen = tasks_of(lines, Path('results'), 'jobs=2'), Recorder()\n"
        "try: Local(grace=20).launch(tasks, seen)\n"
        "except KeyboardInterrupt: print(sorted(seen.states().items()))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        until(lambda: Path("m0").exists() and Path("m1").exists())
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert out == "[(1, 'interrupted'), (2, 'interrupted')]\n"
    assert [run.state for run in find_runs(["results"])] == ["interrupted"] * 2
    assert not Path("m2").exists()
    assert not list(tmp_path.rglob("*.holder.json"))


@pytest.mark.usefixtures("quick")
def test_a_watcher_that_has_seen_enough_stops_the_others(tmp_path: Path) -> None:
    lines = [["seed=1", "optimizer.kind=wait"], ["seed=2", "optimizer.kind=raise"], ["seed=3"]]
    seen = launched(tasks_of(lines, tmp_path / "results", "jobs=2"), Recorder(enough=1))
    assert seen.states() == {1: "interrupted", 2: "failed"}


def test_a_sweep_that_is_detached_outlives_its_caller_and_is_picked_up(tmp_path: Path) -> None:
    results = tmp_path / "results"
    lines = [[f"seed={n}", "optimizer.kind=wait", f"optimizer.mark={tmp_path}/m{n}"] for n in range(2)]
    # The first waits until it is killed and is then begun again; the second runs after it, in one slot.
    lines[1] = ["seed=9"]
    tasks = tasks_of(lines, results, "jobs=1")
    line = Local(grace=20).detach(tasks)
    supervisor = int(re.search(r"2 runs go on in process (\d+) ", line)[1])  # type: ignore[index]
    until((tmp_path / "m0").exists)
    assert all(lives(TaskFiles(task).holder()) for task in tasks)
    os.kill(int((tmp_path / "m0").read_text()), signal.SIGKILL)
    seen = launched(tasks)
    assert seen.states() == {1: "completed", 2: "completed"}
    pids = {read_run(task.path).environment["command"][0] for task in tasks}
    assert pids == {"vgp-bench"}
    log = next(results.rglob("supervisors/*.log")).read_text()
    assert f"process {supervisor}\n" in log
    assert "2 completed: " in log, "it was the supervisor that ran it, not the second call"


def test_a_sweep_is_detached_by_the_command_line_and_no_later_call_runs_anything_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["optimizer.kind=hold", f"optimizer.cured={tmp_path}/go", "jobs=1", "seed=1,2"]
    command = [sys.executable, "-m", "vgp_bench", "run", "-m", *FAULTY, *TINY, *words]
    first = subprocess.run([*command, "--detach"], capture_output=True, text=True, timeout=200)
    assert (first.returncode, first.stderr) == (0, "2 runs, loading torch ...\n")
    line, progress = first.stdout.splitlines()
    assert re.match(r"2 runs go on in process \d+ \(`kill \d+` stops them\); its log is ", line)
    assert progress == "Progress: vgp-bench status results/default; the same command picks the sweep up"
    supervisor = int(re.search(r"kill (\d+)", line)[1])  # type: ignore[index]
    try:
        until(lambda: list(Path("results").rglob("status.json")), 200)
        assert main([*command[3:], "--detach"]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "2 runs are in the hands of an earlier call and left there",
            progress,
        ]
        (record,) = Path("results/default/.sweep").glob("*.json")
        before = record.stat().st_ino
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as third:
            until(lambda: record.stat().st_ino != before, 200)  # it has written its own, and now launches
            time.sleep(1)
            assert [run.state for run in find_runs(["results"])] == ["running"], "it looks on, and begins nothing"
            Path("go").touch()
            out, err = third.communicate(timeout=200)
        assert (third.returncode, err) == (0, "2 runs, loading torch ...\n")
        assert [line[:14] for line in out.splitlines()[:2]] == ["[1/2] done    ", "[2/2] done    "]
        assert out.splitlines()[2].startswith("2 runs: 2 completed. ")
    finally:
        Path("go").touch()
        until(lambda: not lives(identity(supervisor)), 200)
    # The first line of a worker has its number: each was begun once, and by nobody else than the supervisor.
    logs = [path.read_text() for path in Path("results/default/.sweep/logs").iterdir()]
    assert [log.count("(process ") for log in logs] == [1, 1]


@pytest.mark.usefixtures("quick")
def test_what_is_in_hands_is_not_handed_over_again_and_the_rest_is(tmp_path: Path) -> None:
    tasks = tasks_of([["seed=1"], ["seed=2"]], tmp_path / "results", "jobs=1")
    held, left = map(TaskFiles, tasks)
    for files in (held, left):
        files.prepare()
    held.hold({"engine": "local", **identity(os.getpid())})
    left.hold({"engine": "local", **identity(os.getpid()), "start": "17"})  # by a process that is gone
    line = Local().detach(tasks)
    supervisor = int(re.match(r"1 run goes on in process (\d+) ", line)[1])  # type: ignore[index]
    assert line.endswith("; 1 run is in the hands of an earlier call")
    assert held.holder()["pid"] == os.getpid()
    until(lambda: not lives(identity(supervisor)))
    ends = [held.outcome(), left.outcome()]
    assert [end and end.state for end in ends] == [None, "completed"]


@pytest.mark.usefixtures("quick")
def test_what_a_dead_supervisor_left_is_run_by_the_next_call(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    files = TaskFiles(task)
    files.prepare()
    # Its number lives on in another process: this one.
    files.hold({"engine": "local", **identity(os.getpid()), "start": "17"})
    assert launched([task]).states() == {1: "completed"}


def test_a_disk_that_is_full_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    seen = launched(tasks_of([["seed=1"]], tmp_path / "file" / "results"))
    assert seen.states() == {1: "failed"}
    assert seen.ends[1].reason.startswith("a file is in the way: cannot write ")


def test_a_worker_that_can_write_nothing_is_told_apart_from_one_that_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file may grow in it, as on a disk that fills after the launcher has written its own: neither log nor end."""
    (tmp_path / "sitecustomize.py").write_text(
        "import resource, sys\n"
        "if 'vgp_bench.worker' in sys.orig_argv:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # what stays in a buffer fails again when Python ends
    seen = launched(tasks_of([["seed=1"]], tmp_path / "results"))
    assert seen.states() == {1: "lost"}
    # And no log to see: it is empty.
    assert seen.ends[1].reason == "its process could not write how the run ended: disk full?"


def test_an_end_that_cannot_be_kept_says_why(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    files = TaskFiles(task)
    files.log.parent.mkdir(parents=True)
    files.log.write_text("its last words")
    files.spec.parent.write_text("in the way")
    reason = files.settle("lost", "its process ended with exit code 3").reason
    where = rf"cannot write {tmp_path}/results/default/\.sweep/tasks/[0-9a-f]{{12}}\.outcome\.json"
    advice = "set results_dir to a folder"
    expected = rf"its process ended with exit code 3; a file is in the way: {where}; {advice}; see {files.log}"
    assert re.fullmatch(expected, reason)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"threads": 0}, "launcher.threads=0: must be 1 or more"),
        ({"runs_per_gpu": 0}, "launcher.runs_per_gpu=0: must be 1 or more"),
        ({"restarts": -1}, "launcher.restarts=-1: must be 0 or more"),
        ({"grace": -1.0}, "launcher.grace=-1.0: must be 0 or more"),
        ({"time_limit": 0.0}, "launcher.time_limit=0.0: must be above 0"),
    ],
)
def test_impossible_keys_are_refused(keys: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Local(**keys)  # type: ignore[arg-type]


def test_specs_hold_no_secrets_of_the_process(tmp_path: Path) -> None:
    (task,) = tasks_of([["seed=1"]], tmp_path / "results")
    TaskFiles(task).prepare()
    assert sorted(json.loads(TaskFiles(task).spec.read_text())) == ["choices", "command", "config", "label"]
