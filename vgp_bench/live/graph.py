"""Questions to the autograd graph of one forward pass: what follows a layer, what leads around it, how deep it lies."""

from collections.abc import Callable, Collection, Iterable, Mapping

from torch import nn

from vgp_bench.live.calls import Node

_ACTIVATIONS: Mapping[str, Callable[[Node], nn.Module]] = {
    "ReluBackward0": lambda node: nn.ReLU(),
    "TanhBackward0": lambda node: nn.Tanh(),
    "SigmoidBackward0": lambda node: nn.Sigmoid(),
    "GeluBackward0": lambda node: nn.GELU(node._saved_approximate),
    "SiluBackward0": lambda node: nn.SiLU(),
    "MishBackward0": lambda node: nn.Mish(),
    "LeakyReluBackward0": lambda node: nn.LeakyReLU(node._saved_negative_slope),
    "SoftplusBackward0": lambda node: nn.Softplus(node._saved_beta, node._saved_threshold),
}
_SHAPES = ("View", "UnsafeView", "ReshapeAlias", "Transpose", "T", "Permute", "Squeeze", "Unsqueeze")
_PASSED_OVER = frozenset(
    f"{name}Backward{number}" for name in (*_SHAPES, "MaxPool2DWithIndices", "ToCopy", "Clone") for number in range(5)
)
"""What may stand between a layer and its activation: each unit stays a unit, and is 0 where it was."""


class Graph:
    """The nodes from which the given ones were computed, these included."""

    def __init__(self, ends: Iterable[Node]) -> None:
        self.consumers: dict[Node, list[Node]] = {}
        waiting = list(ends)
        self.nodes = set(waiting)
        while waiting:
            node = waiting.pop()
            for before in inputs_of(node):
                self.consumers.setdefault(before, []).append(node)
                if before not in self.nodes:
                    self.nodes.add(before)
                    waiting.append(before)

    def activation_after(self, node: Node, known: Collection[Node]) -> nn.Module | None:
        """The activation applied to what this node gave, by a function of torch: as the module that does the same.

        known: nodes that activation modules gave. None if something else is done to it first, or several things are.
        """
        while True:
            found = self.consumers.get(node, [])
            if len(found) != 1 or found[0] in known:
                return None
            (node,) = found
            if make := _ACTIVATIONS.get(node.name()):
                return make(node)
            if node.name() not in _PASSED_OVER:
                return None

    def depths(self, layers: Mapping[Node, int]) -> dict[Node, int]:
        """For each node the most weight layers on a way from the input up to and including it.

        layers: how many weight layers in a row end at a node.
        """
        depth: dict[Node, int] = {}
        for node in sorted(self.nodes, key=lambda node: int(node._sequence_nr())):
            before = max((depth.get(other, 0) for other in inputs_of(node)), default=0)
            depth[node] = before + layers.get(node, 0)
        return depth


def leads_around(taken: Node | None, given: Node | None, layers: Collection[Node]) -> bool:
    """Whether a way leads from one node to the other around the layers: a skip connection. A concatenation is none."""
    if taken is None or given is None or given in layers:
        return False
    oldest = int(taken._sequence_nr())
    waiting, met = [given], {given}
    while waiting:
        node = waiting.pop()
        if node is taken:
            return True
        for before in inputs_of(node):
            around = before not in layers and not before.name().startswith("CatBackward")
            if before not in met and (before is taken or (around and int(before._sequence_nr()) > oldest)):
                met.add(before)
                waiting.append(before)
    return False


def inputs_of(node: Node) -> list[Node]:
    """The nodes it was computed from; where a parameter comes in is none."""
    return [other for other, _ in node.next_functions if other is not None and "AccumulateGrad" not in other.name()]
