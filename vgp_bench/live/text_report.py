"""The signal flow of a foreign network as a table for the terminal, with the verdict below it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.sentences import block

MOST_ROWS = 24
"""More stages than this are thinned out; the first and the last are always shown."""
_HEADER = (
    "layer: a weight layer with what follows it, or a residual block; depth: weight layers up to its end",
    "reach: change of the output for a relative change of the layer's; update: ||dW|| / ||W|| of the step",
)


def text_report(case: Case, diagnosis: Diagnosis) -> str:
    """Reach at the first and the last measured step, then the last step's figures, input first; then the verdict."""
    probes, layers = case.tables["probes"], case.tables["layers"]
    steps = np.unique(np.asarray(probes["step"]))
    if not len(steps):
        return "\n".join(["nothing was measured yet", *block(diagnosis)])
    first, last = int(steps[0]), int(steps[-1])
    before, after = _reach(probes, first), _reach(probes, last)
    now = np.flatnonzero(np.asarray(layers["step"]) == last)
    width = max(12, *(len(str(layers["name"][i])) for i in now))
    columns = [f"{'reach, step ' + str(step):>16}" for step in dict.fromkeys((first, last))]
    lines = [*_HEADER, "", f"{'layer':<{width}} {'depth':>5} {' '.join(columns)}    update      dead saturated"]
    for place in _thinned(len(now)):
        row = now[place]
        reached = [f"{_number(values[place]):>16}" for values in ([before] if first == last else [before, after])]
        lines.append(
            f"{layers['name'][row]:<{width}} {layers['depth'][row]:>5} {' '.join(reached)} "
            f"{_number(layers['update_ratio'][row]):>9} {_share(layers['dead_fraction'][row]):>9} "
            f"{_share(layers['saturated_fraction'][row]):>9}"
        )
    return "\n".join([*lines, "", *block(diagnosis)])


def _reach(probes: Any, step: int) -> Sequence[float]:
    at = np.asarray(probes["step"]) == step
    sensitivity = np.asarray(probes["sensitivity"], dtype=float)[at]
    outputs = np.asarray(probes["sample_gradient"], dtype=float)[at][-1]
    return list(sensitivity / outputs) if outputs > 0 else [math.nan] * len(sensitivity)


def _thinned(count: int) -> list[int]:
    if count <= MOST_ROWS:
        return list(range(count))
    return [round(i * (count - 1) / (MOST_ROWS - 1)) for i in range(MOST_ROWS)]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1e}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"
