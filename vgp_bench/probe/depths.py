"""The same network at several depths, before any training: how the decay grows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vgp_bench.config import ComposedRun
from vgp_bench.errors import ConfigError
from vgp_bench.probe.forecast import Forecast, forecast
from vgp_bench.probe.measuring import Start, loop_of, start_of, with_trial
from vgp_bench.probe.profile import gradient_of_first, measured_decay, reaches, span

KEYS = ("depth", "blocks", "layers")
"""What architectures call their depth."""


@dataclass(frozen=True)
class AtDepth:
    depth: int
    start: Start
    forecast: Forecast

    @property
    def predicted(self) -> float:
        """||dL/dh|| of the first hidden stage by that of the last one, from the closed form; NaN without one."""
        hidden = [row.depth for row in self.start.look.layers if row.kind == "hidden"]
        return self.start.predicted ** (hidden[-1] - hidden[0]) if len(hidden) > 1 else math.nan


def depth_key(composed: ComposedRun) -> str:
    """The key of the architecture that its depth hangs on. Raises ConfigError if it has none."""
    option = composed.config["architecture"]
    for key in KEYS:
        if key in option:
            return key
    name = composed.choices["architecture"]
    raise ConfigError(
        f"--depths: architecture={name} has a fixed depth; take one with {', '.join(KEYS[:-1])} or layers"
    )


def at_depths(composed: ComposedRun, depths: Sequence[int]) -> tuple[list[AtDepth], list[str]]:
    """One entry a depth, and a line for each that the architecture refuses.

    Raises ConfigError or DataError if it refuses all of them.
    """
    key = depth_key(composed)
    found, refused = [], []
    for depth in depths:
        config = {**composed.config, "architecture": {**composed.config["architecture"], key: depth}}
        one = ComposedRun(config, composed.choices, composed.label)
        try:
            loop = loop_of(one)
        except ConfigError as error:
            refused.append(f"left out: {key}={depth}: {error}")
            last = error
            continue
        start = start_of(one, loop)
        found.append(AtDepth(depth, start, forecast(with_trial(start, loop))))
    if not found:
        raise last
    return found, refused


def depth_text(found: Sequence[AtDepth], refused: Sequence[str], key: str) -> str:
    """A line a depth."""
    head = f"{key:>6}{'first/last ||dL/dh||':>22}{'predicted':>11}{'a layer':>9}{'reach':>9}{'span':>7}  forecast"
    lines = [head]
    for one in found:
        look = one.start.look
        figures = f"{_size(gradient_of_first(look)):>22}{_size(one.predicted):>11}{measured_decay(look).rho:>9.3f}"
        fall = span(look)
        lines.append(f"{one.depth:>6}{figures}{_size(reaches(look)[0]):>9}{fall:>+7.1f}  {one.forecast.short}")
    if found[0].start.no_prediction:
        lines.append(f"no closed form: {found[0].start.no_prediction}")
    return "\n".join([*lines, *refused])


def _size(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1e}"
