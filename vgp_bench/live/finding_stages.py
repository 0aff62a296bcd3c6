"""The depth axis of a foreign network, found from the order in which its modules ran in one forward pass.

A stage is a residual block (see blocks.py), or else a weight layer with the normalizer and the activation that take its
output, in that order or the other, dropout passed over; h_l is what the last of them gives. Two normalizers or
activations in a row belong to it too. A weight layer is a module with a matrix or filters of its own and no weight
layer in it: nn.Linear, nn.Conv2d, nn.Embedding, nn.LSTM with all its layers, nn.MultiheadAttention. Stages are numbered
in the order in which they end; the last one is the output. A layer that runs several times is one stage.

An activation called as a function (F.relu) is no module: h_l is then taken before it. Which one it is says the autograd
graph, so that its zeros and its saturation are counted all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from vgp_bench.components.activations import is_activation
from vgp_bench.live.blocks import find_blocks
from vgp_bench.live.calls import Call, Node, Seen
from vgp_bench.live.chains import Chain, chain_after, functions_after
from vgp_bench.live.graph import Graph, leads_around
from vgp_bench.live.kinds import counts_time_first, layers_in_a_row, own_weights


@dataclass(frozen=True)
class FoundStage:
    """Where h_l is: the output of `module`, or of the last of `chain`, the modules after it that belong to it.

    inner: of a block, the activation modules in it. functions: for the module before it, an activation called as a
    function. sample_dimension: of h_l, the one that counts the inputs.
    """

    name: str
    kind: Literal["hidden", "output"]
    depth: int
    module: nn.Module
    is_block: bool
    weights: tuple[nn.Parameter, ...]
    chain: tuple[nn.Module, ...] = ()
    inner: tuple[nn.Module, ...] = ()
    functions: dict[nn.Module, nn.Module] = field(default_factory=dict)
    sample_dimension: int = 0


def find_stages(model: nn.Module, calls: Sequence[Call]) -> list[FoundStage]:
    """The stages of a model that made these calls, in depth order; none if it has no weight layer."""
    names = {module: name for name, module in model.named_modules()}
    layers = _weight_layers(calls)
    graph = Graph(node for call in calls for node in call.nodes)
    at_layers = {node for call in calls if call.module in layers for node in call.nodes}
    depths = graph.depths(_ends(calls, layers))
    blocks = find_blocks(model, calls, layers, at_layers)
    block_of = {inner: block for block in blocks for inner in block.modules()}
    chains = {layer: chain_after(calls, layer) for layer in layers}
    functions = functions_after(calls, chains, graph)
    sequences = _sequences(calls)
    ordered: dict[nn.Module, Call] = {}  # the first call of each
    for call in calls:
        if call.module in blocks or (call.module in layers and call.module not in block_of):
            ordered.setdefault(call.module, call)
    stages: list[FoundStage] = []
    frozen = 0  # layers before the first that the graph knows of
    for number, (module, call) in enumerate(ordered.items(), start=1):
        known = max((depths[node] for node in call.nodes), default=0)
        frozen += 0 if known else layers_in_a_row(module)
        is_block = module in blocks
        stages.append(
            FoundStage(
                name=layer_name(names[module], module),
                kind="output" if number == len(ordered) else "hidden",
                depth=known + frozen,
                module=module,
                is_block=is_block,
                weights=tuple(p for p in module.parameters() if p.ndim >= 2),
                chain=() if is_block else chains[module],
                inner=tuple(m for m in _ran_in(calls, module) if is_activation(m)) if is_block else (),
                functions={
                    last: found for last, found in functions.items() if _belongs(last, module, chains, is_block)
                },
                sample_dimension=_sample_dimension(call.given, sequences),
            )
        )
    return stages


def layer_name(path: str, module: nn.Module) -> str:
    """What a module at this path in the model is called; of a layer of an nn.Sequential the kind too."""
    kind = type(module).__name__
    return f"{kind} {path}" if path.isdigit() else path or kind


def _weight_layers(calls: Sequence[Call]) -> set[nn.Module]:
    own = {call.module for call in calls if own_weights(call.module)}
    return {m for m in own if not any(inner in own for inner in m.modules() if inner is not m)}


def _ends(calls: Sequence[Call], layers: set[nn.Module]) -> dict[Node, int]:
    """Where in the graph so many weight layers end; of results that are made of one another, at the first."""
    return {
        node: layers_in_a_row(call.module)
        for call in calls
        if call.module in layers
        for node in call.nodes
        if not any(leads_around(other, node, ()) for other in call.nodes if other is not node)
    }


def _ran_in(calls: Sequence[Call], block: nn.Module) -> list[nn.Module]:
    return list(dict.fromkeys(call.module for call in calls if block in call.inside))


def _belongs(last: nn.Module, stage: nn.Module, chains: dict[nn.Module, Chain], is_block: bool) -> bool:
    if is_block:
        return last in set(stage.modules())
    return last is (chains[stage][-1] if chains[stage] else stage)


def _sequences(calls: Sequence[Call]) -> int | None:
    """How many sequences a batch has, if modules take (time, batch, features); None if inputs are in dimension 0."""
    for call in calls:
        taken = None if call.taken is None else call.taken.tensor
        if counts_time_first(call.module) and taken is not None and taken.ndim == 3:
            return int(taken.shape[1])
    return None


def _sample_dimension(given: Seen | None, sequences: int | None) -> int:
    tensor: Tensor | None = None if given is None else given.tensor
    return int(tensor is not None and tensor.ndim >= 3 and tensor.shape[1] == sequences)
