"""What `vgp-bench plot` can draw. The folder is the registry: one file a kind, each with a KIND."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgp_bench.compare import Comparison
from vgp_bench.errors import UserError
from vgp_bench.records.signal import Step

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Kind(NamedTuple):
    """One kind of figure.

    name: as on the command line; help: one line; steps: the logged steps shown if none is named, empty for a figure
    that does not stand at a step; most_steps: how many can be shown at once.
    tables: those that it reads; runs of which one is damaged are left out.
    panel_a_group: every group has a panel of its own, so that many groups need several sheets.
    draw: comparison and steps to a figure; raises ResultsError if the runs hold nothing to draw, UserError if they
    hold too much.
    """

    name: str
    help: str
    draw: Callable[[Comparison, Sequence[Step]], Figure]
    tables: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    most_steps: int = 1
    panel_a_group: bool = False

    def figure(self, comparison: Comparison, steps: Sequence[Step] = ()) -> Figure:
        """The figure, at the given steps or at its own. Raises UserError for steps that it cannot show."""
        if steps and not self.steps:
            raise UserError(f"--step {','.join(map(str, steps))}: {self.name} takes no --step; leave it out")
        if len(steps) > self.most_steps:
            raise UserError(f"--step: {self.name} shows at most {self.most_steps} step(s) at once")
        return self.draw(comparison, steps or self.steps)


def kinds() -> dict[str, Kind]:
    """Every kind by name, in the order of the names."""
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    found = []
    for module in pkgutil.iter_modules(folder):
        if module.name != "kind":
            kind: Kind = importlib.import_module(f"{package}.{module.name}").KIND
            found.append(kind)
    return {kind.name: kind for kind in sorted(found)}
