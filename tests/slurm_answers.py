"""Help for tests of what the launcher makes of Slurm's answers, by programs that stand in for Slurm's."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faulty import ROOT, Recorder, folder_of_faults
from tests.stand_ins import FakeSlurm
from vgp_bench.launchers import slurm_commands, slurm_stop, slurm_sweep
from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.outcome import Outcome
from vgp_bench.worker import write_outcome


def fake_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A Slurm in a working directory of its own, and no patience with it."""
    folder_of_faults(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(slurm_commands, "PAUSE", 0.0)
    monkeypatch.setattr(slurm_sweep, "LOST_AFTER", 0.0)
    monkeypatch.setattr(slurm_stop, "STOPPING", 0.2)
    monkeypatch.setattr(slurm_stop, "CANCELLING", 0.2)
    return FakeSlurm(folder / "slurm", monkeypatch)


def end(task: Task, state: str = "completed", reason: str = "") -> None:
    """What the worker of a task says at its end."""
    write_outcome(TaskFiles(task).spec, Outcome("", state, None, reason))


class Acting(Recorder):
    """A watcher that also does something when a task is seen to begin."""

    def __init__(self, act: Callable[[Task], object], enough: int = 10**6) -> None:
        super().__init__(enough)
        self.act = act

    def started(self, task: Task):  # type: ignore[no-untyped-def]
        announce = super().started(task)
        self.act(task)
        return announce


def interrupt(task: Task) -> None:
    raise KeyboardInterrupt


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    stop = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < stop, "waited in vain"
        time.sleep(0.01)
