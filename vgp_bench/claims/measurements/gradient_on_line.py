"""How alike df/dx is at two points of a line through input space (Balduzzi et al. 2017, section 2).

The line is u + t v with u and v of independent standard normal values and t in -2 ... 2: seen from the first layer an
input of one dimension with a random bias for every unit, as in the paper. f: the first logit.
"""

import torch

from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun

LINES, POINTS, REACH = 4, 32, 2.0


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """By lag, the distance in points, from 0 to half of a line. correlation: mean of df/dx(t) df/dx(t + lag) over the
    mean of its square, summed over the values of x, not centred; of LINES lines."""
    net = untrained(composed)
    generator = torch.Generator().manual_seed(int(composed.config["seed"]))
    shape = (LINES, 1, *net.probe.inputs.shape[1:])
    u, v = (torch.randn(shape, generator=generator) for _ in range(2))
    t = torch.linspace(-REACH, REACH, POINTS).view(1, -1, *[1] * (len(shape) - 2))
    x = (u + t * v).flatten(0, 1).to(net.probe.inputs.device).requires_grad_(True)
    (gradient,) = torch.autograd.grad(net.model(x)[:, 0].sum(), x)
    lines = gradient.double().view(LINES, POINTS, -1)
    square = float(lines.square().sum(2).mean())
    pairs = [(lines[:, : POINTS - lag] * lines[:, lag:]).sum(2) for lag in range(POINTS // 2 + 1)]
    return {"correlation": [float(products.mean()) / square for products in pairs]}
