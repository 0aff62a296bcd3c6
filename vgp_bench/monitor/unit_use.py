"""How the units of an activation are used over many inputs: flat, at the end of their range, rarely, hardly at all.

A unit is a neuron, a channel over all its positions, or a feature over all time steps; a position or a time step of an
input counts as an input. The thresholds are those of the rules that read the figures: Rakitianskaia & Engelbrecht 2015
for the distance from the middle of the range, the tools named in diagnosis/rules for the others.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from vgp_bench.components.counting import AT_LEAST, AT_MOST, LESS, NOT_EQUAL, count_per_unit
from vgp_bench.components.saturation import THRESHOLD
from vgp_bench.components.slopes import (
    flattens_at_both_ends,
    greatest_slope,
    in_full_precision,
    output_range,
    relative_slope,
)
from vgp_bench.components.units import unit_dimension

MOSTLY = 0.9
"""Share of the inputs on which a unit has to be flat to count as saturated."""
LARGE, EXTREME = 5.0, 9.5
RARE = 0.01
FAINT, FAINT_SHARE = 1e-5, 0.95
PORTION = 2**16
"""Values for which a count is worth its calls: the many short runs of a recurrent cell are gathered up to there."""


class _Form(NamedTuple):
    """Of an activation, to be broadcast with its input. steepest: max |phi'|; bounded: whether it flattens at both
    ends, then middle and half of the range between its limits; half is NaN where these are one, as of a bump."""

    steepest: Tensor
    bounded: bool
    middle: Tensor
    half: Tensor


_forms: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], _Form]] = WeakKeyDictionary()
"""Of modules without parameters: a look at a small network would spend most of its time on finding them anew."""


def _form(module: nn.Module, z: Tensor) -> _Form:
    if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
        return _looked_up(module, z)
    key = (module.extra_repr(), z.ndim, z.dtype, z.device)
    known = _forms.setdefault(module, {})
    if key not in known:
        known[key] = _looked_up(module, z)
    return known[key]


def _looked_up(module: nn.Module, z: Tensor) -> _Form:
    # It is looked up once a process: were random numbers drawn for it, a run that goes on in another would differ.
    with torch.random.fork_rng([z.device] if z.is_cuda else []):
        steepest = greatest_slope(module, z)
        bounded = flattens_at_both_ends(module, z, steepest)
        low, high = output_range(module, z)
    # A bump flattens at both ends and has one limit: there is no middle.
    half = torch.where(high > low, (high - low) / 2, torch.nan)
    return _Form(steepest, bounded, (low + high) / 2, half)


class UnitUse:
    """Sums over the runs of one activation module, on its device; a recurrent cell runs once a time step."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.runs = 0
        self.per_unit = torch.zeros(())  # [flat, not 0, faint] x units
        self.sums = torch.zeros(())  # slope, output <= 0, |z| large, |z| extreme; of bounded: distance from the middle
        self.bounded = False
        self.inputs = 0  # a unit
        self.values = 0
        self._shape: torch.Size | None = None  # of an input in the runs that wait
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def add(self, z: Tensor, output: Tensor) -> None:
        """One run: input and output, of one shape, units in it as components.units has them; (n,) is one unit."""
        z, output = (t.detach().unsqueeze(1) if t.ndim == 1 else t.detach() for t in (z, output))
        if z.shape[1:] != self._shape:
            self._count_waiting()
            self._look_up(z)
        self.runs += 1
        # Copies: whoever comes next may write into them.
        self._waiting.append((z, output) if z.numel() >= PORTION else (z.clone(), output.clone()))
        if sum(waiting.numel() for waiting, _ in self._waiting) >= PORTION:
            self._count_waiting()

    def _look_up(self, z: Tensor) -> None:
        """What is the same for all inputs of this shape."""
        self._shape = z.shape[1:]
        self._form = _form(self.module, z)
        self.bounded = self._form.bounded

    def _count_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            z, output = waiting[0] if len(waiting) == 1 else map(torch.cat, zip(*waiting, strict=True))
            self._count(in_full_precision(self.module, z), in_full_precision(self.module, output))

    def _count(self, z: Tensor, output: Tensor) -> None:
        unit = unit_dimension(z)
        others = [dimension for dimension in range(z.ndim) if dimension != unit]
        hits = partial(count_per_unit, hits=torch.empty_like(z))
        slopes, size = relative_slope(self.module, z, self._form.steepest), z.abs()
        counts = [hits(LESS, slopes, THRESHOLD), hits(NOT_EQUAL, output, 0), hits(LESS, output.abs(), FAINT)]
        shares = [hits(AT_MOST, output, 0), hits(AT_LEAST, size, LARGE), hits(AT_LEAST, size, EXTREME)]
        distance = ((output - self._form.middle).abs_() / self._form.half).sum(others) if self.bounded else shares[0]
        per_unit = torch.stack(counts).double()
        sums = torch.stack([slopes.sum(others), *shares, distance]).double().sum(1)
        # The first ones are taken as they are: to bring a 0 to a GPU, the host would wait for it.
        self.per_unit = self.per_unit + per_unit if self.values else per_unit
        self.sums = self.sums + sums if self.values else sums
        self.values += z.numel()
        self.inputs += z.numel() // z.shape[unit]

    @staticmethod
    def together(uses: Iterable["UnitUse"]) -> dict[str, Tensor | float]:
        """The columns of ProbeRow that describe the activations of one stage; NaN where there is none of the kind."""
        ran = [use for use in uses if use.runs]
        for use in ran:
            use._count_waiting()
        bounded = [use for use in ran if use.bounded]
        sums = [_over([use.sums[k] for use in ran], [use.values for use in ran]) for k in range(4)]
        shares = [use.per_unit / use.inputs for use in ran]
        flat = [share[0] > MOSTLY for share, use in zip(shares, ran, strict=True) if use.bounded]
        rare = [share[1] < RARE for share in shares]
        faint = [share[2] >= FAINT_SHARE for share in shares]
        return {
            "slope_mean": sums[0],
            "nonpositive_fraction": sums[1],
            "large_input_fraction": sums[2],
            "extreme_input_fraction": sums[3],
            "boundary_mean": _over([use.sums[4] for use in bounded], [use.values for use in bounded]),
            "saturated_units": _share(flat),
            "rare_units": _share(rare),
            "faint_units": _share(faint),
        }


def _over(sums: list[Tensor], counts: list[int]) -> Tensor | float:
    return torch.stack(sums).sum() / sum(counts) if sums else float("nan")


def _share(hits: list[Tensor]) -> Tensor | float:
    return torch.cat(hits).double().mean() if hits else float("nan")
