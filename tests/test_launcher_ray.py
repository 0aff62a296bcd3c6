"""Runs as tasks of Ray: on a cluster that loses a node, and never on one that was not named."""

import importlib.util
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.faulty import ROOT, Recorder, folder_of_faults, tasks_of
from vgp_bench.config_check import check
from vgp_bench.errors import ConfigError
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.ray import Ray
from vgp_bench.launchers.task_files import TaskFiles

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no ray: pip install 'vgp-bench[ray]'")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of_faults(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.mark.ray
@needs_ray
def test_all_runs_complete_though_a_node_is_removed(tmp_path: Path) -> None:
    import ray
    from ray.cluster_utils import Cluster

    lines = [[f"seed={n}", *(["optimizer.kind=wait", f"optimizer.mark=m{n}"] if n < 2 else [])] for n in range(8)]
    lines[7] = ["seed=7", "optimizer.kind=raise"]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    node = cluster.add_node(num_cpus=1)

    class Remover(Recorder):
        """Both nodes hold a run that waits for ever: one node goes, and the run of the other is ended by hand."""

        def started(self, task: Task):  # type: ignore[no-untyped-def]
            if not self.begun:
                threading.Thread(target=remove).start()
            return super().started(task)

    def remove() -> None:
        while not (Path("m0").exists() and Path("m1").exists()):
            time.sleep(0.05)
        cluster.remove_node(node)
        for mark in ("m0", "m1"):
            try:
                os.kill(int(Path(mark).read_text()), signal.SIGKILL)
            except ProcessLookupError:
                pass

    seen = Remover()
    try:
        tasks = tasks_of(lines, tmp_path / "results")
        Ray(address=cluster.address).launch(tasks, seen)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert seen.states() == {**dict.fromkeys(range(1, 8), "completed"), 8: "failed"}
    for task in tasks[:2]:
        assert TaskFiles(task).log.read_text().count("(process ") == 2


@pytest.mark.ray
@needs_ray
def test_a_cluster_that_the_environment_names_is_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    seen = Recorder()
    Ray().launch(tasks_of([["seed=1"]], tmp_path / "results"), seen)
    assert seen.states() == {1: "completed"}


@pytest.mark.ray
@needs_ray
@pytest.mark.parametrize("keys", [{"cpus": 10**6}, {"gpus": 10.0**6}])
def test_runs_for_which_no_node_has_room_are_refused_and_not_awaited(tmp_path: Path, keys: dict[str, float]) -> None:
    with pytest.raises(
        ConfigError, match=r"^launcher\.cpus=\d+ launcher\.gpus=\d+.*: no node of Ray has both \(\d+ cores"
    ):
        Ray(**keys).launch(tasks_of([["seed=1"]], tmp_path / "results"), Recorder())  # type: ignore[arg-type]


@pytest.mark.ray
@needs_ray
def test_of_runs_that_ray_had_no_room_for_nothing_is_said_when_the_sweep_is_stopped(tmp_path: Path) -> None:
    import ray

    ray.init(address="local", num_cpus=1, log_to_driver=False, include_dashboard=False)
    lines = [[f"seed={n}", "optimizer.kind=wait", f"optimizer.mark={tmp_path}/m{n}"] for n in (1, 2)]
    tasks = tasks_of(lines, tmp_path / "results")
    seen = Recorder()

    def stop() -> None:
        while not Path("m1").exists():
            time.sleep(0.05)
        time.sleep(1.5)  # it is looked at once a second
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            Ray().launch(tasks, seen)
    finally:
        thread.join()
        ray.shutdown()
    assert (seen.begun, seen.states()) == ([1], {1: "interrupted"})
    assert TaskFiles(tasks[1]).outcome() is None


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="ray is there")
def test_without_ray_one_line_says_what_to_install(tmp_path: Path) -> None:
    (task,) = tasks_of([["launcher=ray"]], tmp_path)
    with pytest.raises(ConfigError, match=r"^launcher=ray needs the package ray: pip install 'vgp-bench\[ray\]'$"):
        check(task.composed)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"cpus": 0}, "launcher.cpus=0: must be above 0"),
        ({"gpus": -0.5}, "launcher.gpus=-0.5: must be 0 or more"),
        ({"restarts": -1}, "launcher.restarts=-1: must be 0 or more"),
    ],
)
def test_impossible_keys_are_refused(keys: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        Ray(**keys)  # type: ignore[arg-type]
