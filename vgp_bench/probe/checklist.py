"""The rules of thumb for networks that will not train, each measured on this one, beside what is commonly said.

Sources disagree on the limits (are skips needed beyond 10, 20 or 30 layers?), so none of them is taken for granted.
"""

from collections.abc import Callable

from vgp_bench.probe import signal_items as signal
from vgp_bench.probe import training_items as training
from vgp_bench.probe.item import Item
from vgp_bench.probe.measuring import Measured


def checklist(found: Measured) -> list[Item]:
    """The items that apply to this network, input to output, then the training."""
    return [item for check in _CHECKS if (item := check(found)) is not None]


_CHECKS: tuple[Callable[[Measured], Item | None], ...] = (
    *(signal.inputs, training.weights, signal.loss, signal.forward, signal.collapse, signal.slopes, signal.dead),
    *(signal.symmetry, signal.depth, signal.gradient, training.batch, signal.time),
    *(training.update, training.clipping),
)
