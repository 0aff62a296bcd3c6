"""Which modules of a foreign network are residual blocks: inside of one h_l would be that of the branch alone.

A block is a module of a class that runs at least twice, around whose weight layers a skip connection leads in one of
its calls, and whose weight layers are not all in smaller blocks. So a ResNet's blocks, not its four groups of them,
and a Transformer's layers, not its stack.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from torch import nn

from vgp_bench.live.calls import Call, Node
from vgp_bench.live.graph import leads_around

_MERE_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def find_blocks(
    model: nn.Module, calls: Sequence[Call], layers: Collection[nn.Module], nodes: Collection[Node]
) -> list[nn.Module]:
    """The blocks of a model. layers: its weight layers; nodes: the graph nodes that they gave."""
    runs = Counter(type(call.module) for call in calls)
    ran = {call.module for call in calls}
    skipping = {
        type(call.module)
        for call in calls
        if runs[type(call.module)] > 1
        and call.module is not model
        and not isinstance(call.module, _MERE_CONTAINERS)
        and any(inner in layers for inner in call.module.modules() if inner is not call.module)
        and leads_around(_node(call), None if call.given is None else call.given.node, nodes)
    }

    def within(module: nn.Module) -> list[nn.Module]:
        inner = [block for child in module.children() for block in within(child)]
        if type(module) not in skipping or module not in ran:
            return inner
        covered = {layer for block in inner for layer in block.modules()}
        own = [layer for layer in module.modules() if layer in layers]
        return inner if all(layer in covered for layer in own) else [module]

    return list(dict.fromkeys(within(model)))


def _node(call: Call) -> Node | None:
    return None if call.taken is None else call.taken.node
