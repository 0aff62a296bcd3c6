"""The first steps of a run's own training, kept in memory: nothing is written."""

from dataclasses import dataclass, field

from vgp_bench.monitor.cadence import Cadence
from vgp_bench.records.rows import LayerRow, Row, StepRow
from vgp_bench.training.loop import Diverged, Loop

FIRST_STEP_ONLY = Cadence(dense_steps=1, every=None, probe_every=None, probe_images=0)


class _Enough(Exception):  # noqa: N818  the end, not an error
    """So many steps have been done."""


@dataclass
class FirstSteps:
    """Rows of the steps done, and of the layers at the first of them. diverged: why, if the loss was not finite."""

    steps: list[StepRow] = field(default_factory=list)
    layers: list[LayerRow] = field(default_factory=list)
    diverged: str = ""

    def append(self, row: Row) -> None:
        """The sink of the loop."""
        if isinstance(row, StepRow):
            self.steps.append(row)
        elif isinstance(row, LayerRow) and row.step == 0:
            self.layers.append(row)


class _UntilStep:
    """A Keeper that keeps nothing and ends the training."""

    def __init__(self, last: int) -> None:
        self.last = last

    def is_due(self, done: int) -> bool:
        return done >= self.last

    def keep(self) -> None:
        raise _Enough

    def between_batches(self) -> None: ...


def go(loop: Loop, count: int) -> FirstSteps:
    """Train so many steps, or as many as the run has: its schedule is that of the whole run, not of these steps."""
    found = FirstSteps()
    loop.sink = found.append
    loop.keeper = _UntilStep(count)
    loop.monitor.cadence = FIRST_STEP_ONLY
    try:
        loop.train()
    except _Enough:
        pass
    except Diverged as error:
        found.diverged = str(error)
    return found
