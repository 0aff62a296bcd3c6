"""What belongs to a weight layer after it: normalizers, activations, and activations called as functions."""

from collections.abc import Mapping, Sequence

from torch import nn

from vgp_bench.components.activations import is_activation
from vgp_bench.live.calls import Call, Node
from vgp_bench.live.graph import Graph
from vgp_bench.live.kinds import is_normalizer, is_passed_over

Chain = tuple[nn.Module, ...]


def chain_after(calls: Sequence[Call], layer: nn.Module) -> Chain:
    """The modules that follow a layer in all its calls."""
    found = [_chain_of(calls, index) for index, call in enumerate(calls) if call.module is layer]
    common: list[nn.Module] = []
    for modules in zip(*found, strict=False):
        if len(set(modules)) > 1:
            break
        common.append(modules[0])
    while common and is_passed_over(common[-1]):
        common.pop()
    return tuple(common)


def _chain_of(calls: Sequence[Call], index: int) -> list[nn.Module]:
    chain: list[nn.Module] = []
    given = calls[index].given
    for call in calls[index + 1 :]:
        if given is None or call.taken is None or not given.same(call.taken):
            continue
        if not (is_activation(call.module) or is_normalizer(call.module) or is_passed_over(call.module)):
            continue
        chain.append(call.module)
        given = call.given
    return chain


def functions_after(
    calls: Sequence[Call], chains: Mapping[nn.Module, Chain], graph: Graph
) -> dict[nn.Module, nn.Module]:
    """For the last module of each chain without an activation module: the activation called as a function after it."""
    known = {node for call in calls if is_activation(call.module) for node in call.nodes}
    found: dict[nn.Module, nn.Module] = {}
    for layer, chain in chains.items():
        if any(is_activation(module) for module in chain):
            continue
        last = chain[-1] if chain else layer
        nodes: list[Node] = [call.nodes[0] for call in calls if call.module is last and call.nodes]
        activation = graph.activation_after(nodes[0], known) if nodes else None
        if activation is not None:
            found[last] = activation
    return found
