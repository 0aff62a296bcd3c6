"""An optimizer as a user might write one, with which every kind of misfortune comes over a run; and who hears of it."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.composing import compose
from vgp_bench.launchers.launcher import Task
from vgp_bench.outcome import Outcome

TINY = [
    "architecture.depth=2",
    "architecture.width=8",
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    "trainer.max_steps=6",
    "device=cpu",
    "launcher=local",
]
FAULTY = ["--config-dir", "mine", "optimizer=faulty"]
ROOT = Path(__file__).parents[1]


class Faulty(torch.optim.SGD):
    """SGD that does `kind` at step `at`; with a `mark`, only if there is no such file yet, which it then makes; never
    again once there is a file `cured`.

    kind: none, raise, exit, kill, hang (heeds no signal), wait (for a signal), hold (until `cured` is there), diverge.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.05,
        kind: str = "none",
        at: int = 2,
        mark: str | None = None,
        cured: str | None = None,
    ) -> None:
        super().__init__(params, lr=lr)
        self.kind, self.at, self.mark, self.cured, self.steps = kind, at, mark, cured, 0

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        self.steps += 1
        spared = any(file and Path(file).exists() for file in (self.mark, self.cured))
        if self.steps == self.at and not spared:
            if self.mark:
                Path(self.mark).write_text(str(os.getpid()))
            self.happen()
        return super().step(closure)

    def happen(self) -> None:
        if self.kind == "raise":
            raise ArithmeticError("an own part\nwith an own mind")
        if self.kind == "exit":
            os._exit(3)
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "hang":
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            time.sleep(3600)
        if self.kind == "wait":
            signal.pause()
        while self.kind == "hold" and not (self.cured and Path(self.cured).exists()):
            time.sleep(0.02)
        if self.kind == "diverge":
            self.param_groups[0]["params"][0].data.fill_(float("nan"))


def folder_of_faults(folder: Path) -> None:
    """Makes `mine`, a folder of configs, in which the optimizer is."""
    (folder / "mine" / "optimizer").mkdir(parents=True)
    keys = "lr: 0.05\nkind: none\nat: 2\nmark: null\ncured: null\n"
    (folder / "mine" / "optimizer" / "faulty.yaml").write_text(f"_target_: tests.faulty.Faulty\n{keys}")


class Recorder:
    """A watcher that remembers; after `enough` ends it wants the others stopped."""

    def __init__(self, enough: int = 10**6) -> None:
        self.begun: list[int] = []
        self.ends: dict[int, Outcome] = {}
        self.enough = enough

    def started(self, task: Task) -> Callable[[int], Callable[[int, float], None]]:
        assert task.number not in self.begun, "told twice"
        self.begun.append(task.number)
        return lambda total_steps: lambda steps, loss: None

    def ended(self, task: Task, outcome: Outcome) -> bool:
        assert task.number not in self.ends, "told twice"
        assert task.number in self.begun
        assert outcome.label == task.composed.label
        self.ends[task.number] = outcome
        return len(self.ends) < self.enough

    def states(self) -> dict[int, str]:
        return {number: outcome.state for number, outcome in sorted(self.ends.items())}


def tasks_of(lines: Sequence[Sequence[str]], results: Path, *shared: str) -> list[Task]:
    """A task for each list of words, as a sweep makes them; the lists must differ."""
    from vgp_bench.building import settled
    from vgp_bench.records.identity import run_id
    from vgp_bench.records.store import run_path

    tasks = []
    for number, words in enumerate(lines, 1):
        composed = compose(*FAULTY, *TINY, *shared, *words, results=results)
        path = run_path(results, "default", run_id(settled(composed.config)))
        tasks.append(Task(number, composed, path, ["vgp-bench", "run", "..."]))
    assert len({task.path for task in tasks}) == len(tasks)
    return tasks
