"""The gradient that reaches the input along single paths of a residual net, by length (Veit et al. 2016, section 4.3).

A path of length k goes through the branch of k blocks and takes the shortcut in all others. The forward pass is that of
the whole net; on the way back only the path is open.
"""

import random

import torch
from torch import Tensor

from vgp_bench.architectures.residual import PreactivationBlock
from vgp_bench.claims.untrained import Untrained, untrained
from vgp_bench.config import ComposedRun

LENGTHS = (1, 2, 4, 7, 10, 13, 16, 20, 26, 32)
PATHS, INPUTS = 6, 16


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """length; norm: mean over PATHS random paths of ||dL/dh|| at the output of the first layer; blocks: how many."""
    net = untrained(composed)
    gradient, places = _places(net)
    chosen = random.Random(int(composed.config["seed"]))
    norms = []
    for length in LENGTHS:
        paths = [set(chosen.sample(range(len(places)), length)) for _ in range(PATHS)]
        norms.append(sum(float(_along(path, gradient, places).double().norm()) for path in paths) / PATHS)
    return {"length": [float(length) for length in LENGTHS], "norm": norms, "blocks": [float(len(places))]}


def _places(net: Untrained) -> tuple[Tensor, list[tuple[Tensor, Tensor, Tensor]]]:
    """dL/dh above the last block; of each block input, shortcut and branch, with a graph of their own."""
    stages = net.model.stages()
    h: Tensor = stages[0].module(net.probe.inputs[:INPUTS])
    places = []
    for stage in stages[1:-1]:
        block = stage.module
        assert isinstance(block, PreactivationBlock)
        x = h.detach().requires_grad_(True)
        activated = block.nonlinearity(x)
        shortcut, branch = block.shortcut(activated if block.projects else x), block.branch(activated)
        places.append((x, shortcut, branch))
        h = shortcut + branch
    last = h.detach().requires_grad_(True)
    loss = net.probe.objective.loss(stages[-1].module(last), net.probe.targets[:INPUTS])
    (gradient,) = torch.autograd.grad(loss, last)
    return gradient, places


def _along(path: set[int], gradient: Tensor, places: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    for number in reversed(range(len(places))):
        x, shortcut, branch = places[number]
        taken = branch if number in path else shortcut
        if taken is not x:
            (gradient,) = torch.autograd.grad(taken, x, gradient, retain_graph=True)
    return gradient
