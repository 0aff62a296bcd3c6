"""The share of new networks that are dead at birth, by depth (Lu et al. 2019, "Dying ReLU and initialization").

A plain net is dead below depth l for an input if some layer up to l is 0 in all its units: nothing behind it depends on
the input any more. The first l layers of a net are a net of depth l, so one draw serves all depths.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun
from vgp_bench.making import make

NETWORKS = 600
"""Drawn of each seed."""
INPUTS = 16


class ZeroLayers(nn.Module):
    """(n, ...) -> (layers, n): which layers of a plain net are 0 in all units for an input."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, inputs: Tensor) -> Tensor:
        h, zero = inputs.flatten(1), []
        for layer in self.layers:
            h = layer(h)
            zero.append((h == 0).all(1))
        return torch.stack(zero)


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """dead_for_one: share of networks that are dead for the first input, by depth; dead_for_all: for each of INPUTS."""
    net = untrained(composed)
    initializer, inputs = make(composed.config["initializer"]), net.probe.inputs[:INPUTS]
    stages = net.model.stages()[:-1]
    plain = ZeroLayers([stage.module for stage in stages])
    parameters = dict(plain.named_parameters())
    drawn: dict[str, list[Tensor]] = {name: [] for name in parameters}
    for _ in range(NETWORKS):
        initializer.initialize(plain, lambda: make(composed.config["activation"]), inputs)
        for name, parameter in parameters.items():
            drawn[name].append(parameter.detach().clone())
    stacked = {name: torch.stack(values) for name, values in drawn.items()}
    with torch.no_grad():
        zero = vmap(lambda weights: functional_call(plain, weights, (inputs,)))(stacked)
    dead = zero.cumsum(1) > 0  # (networks, layers, inputs): a layer that is 0 makes all above constant
    return {
        "depth": [float(stage.depth) for stage in stages],
        "dead_for_one": dead[:, :, 0].float().mean(0).tolist(),
        "dead_for_all": dead.all(2).float().mean(0).tolist(),
    }
