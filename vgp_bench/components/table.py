"""docs/activations.md: slope, saturation rule and gain of every activation. Write it anew with
`python -m vgp_bench.components.table configs/activation > docs/activations.md` after a change of an activation.
"""

import sys
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from vgp_bench.components.activations import gain
from vgp_bench.components.saturation import Interval, saturated_intervals
from vgp_bench.errors import ConfigError

_HEADER = """# Activations

Each option of `activation=` at its default keys. This page is generated; do not edit it:
`python -m vgp_bench.components.table configs/activation > docs/activations.md`.

- max |phi'|: the steepest slope of phi, on a grid of |z| <= 64 with spacing 1/1024 and points up to 2^20 beyond it.
- saturated where: |phi'(z)| < 5 % of max |phi'|. One rule for all, counted in the column `saturated_fraction`.
- gain: 1 / sqrt(E[phi(z)^2]) for z ~ N(0, 1). Weights of variance gain^2 / fan_in keep E[z^2] = 1; it is what
  `initializer.gain=activation` uses.

Activations with learnable parameters are shown as they start; their saturation is counted with the live ones.

| activation | max \\|phi'\\| | saturated where | gain |
|---|---|---|---|
"""


def activations_document(folder: Path) -> str:
    """The whole text of docs/activations.md, from the .yaml files in the folder."""
    rows = (
        (path.stem, *described(instantiate(OmegaConf.load(path), _partial_=True)()))
        for path in sorted(folder.glob("*.yaml"))
    )
    return _HEADER + "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def described(activation: nn.Module) -> tuple[str, str, str]:
    """(max |phi'|, where it is saturated, gain) as the table shows them."""
    activation = activation.double()
    where = ", and ".join(_interval_in_words(interval) for interval in saturated_intervals(activation))
    try:
        factor = f"{gain(activation):.4f}"
    except ConfigError:
        factor = "none"
    return f"{steepest_slope(activation):.4f}", where or "never", factor


def steepest_slope(activation: nn.Module) -> float:
    """max |phi'| by autograd on the grid that the page names."""
    tail = 2 ** torch.linspace(6, 20, 225, dtype=torch.float64)
    z = torch.cat([-tail, torch.linspace(-64, 64, 2**17 + 1, dtype=torch.float64), tail]).requires_grad_()
    return float(torch.autograd.grad(activation(z).sum(), z)[0].abs().max())


def _interval_in_words(interval: Interval) -> str:
    lower, upper = interval
    if lower == float("-inf"):
        return f"z {_bound('<', upper)}"
    if upper == float("inf"):
        return f"z {_bound('>', lower)}"
    return f"{lower:.3f} < z < {upper:.3f}"


def _bound(sign: str, bound: float) -> str:
    """The ends are neighbours of the true bound, unless that is a round number: then they are it, and belong to it."""
    return f"{sign}= {bound + 0.0:g}" if bound == round(bound, 2) else f"{sign} {bound:.3f}"


if __name__ == "__main__":
    print(activations_document(Path(sys.argv[1])), end="")
