"""All singular values of d h_L / d x: what a plain net does to small differences (Saxe et al. 2014)."""

import copy

import torch

from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """values: of the last hidden layer with respect to the first probe image, largest first, in float64."""
    net = untrained(composed)
    twin = copy.deepcopy(net.model).double()
    hidden = torch.nn.Sequential(*(stage.module for stage in twin.stages()[:-1]))
    x = net.probe.inputs[:1].double().flatten(1)
    width = hidden(x).shape[1]
    # A copy of the input for each unit: one backward pass gives every row of the Jacobian.
    copies = x.repeat(width, 1).requires_grad_(True)
    (jacobian,) = torch.autograd.grad(hidden(copies), copies, torch.eye(width, dtype=torch.float64))
    return {"values": torch.linalg.svdvals(jacobian).tolist()}
