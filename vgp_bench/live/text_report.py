"""The signal flow of a foreign network as a table for the terminal, with the verdict below it."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.reach import reach_of
from vgp_bench.diagnosis.sentences import LABEL, block

MOST_ROWS = 24
"""More stages than this are thinned out; the first and the last are always shown."""
WIDTH = 80
"""Characters a line: as wide as the narrowest terminal in use, and as a cell of a notebook."""
_HEADER = (
    "layer   a weight layer with what follows it, or a residual block",
    "depth   weight layers up to its end",
    "reach   change of the output for a relative change of the layer's, at a step",
    "update  ||dW|| / ||W|| of the last of these steps",
)


def text_report(case: Case, diagnosis: Diagnosis, remarks: Sequence[str] = ()) -> str:
    """Reach at the first and the last measured step, then the last step's figures, input first; then the verdict.

    remarks: sentences below it.
    """
    notes = [f"{'note':<{LABEL}}{sentence}" for sentence in remarks]
    verdict = [
        part
        for line in [*block(diagnosis), *notes]
        for part in textwrap.wrap(line, WIDTH, subsequent_indent=" " * LABEL, break_on_hyphens=False)
    ]
    steps = np.unique(np.asarray(case.tables["probes"]["step"]))
    if not len(steps):
        return "\n".join(["nothing was measured yet", *verdict])
    return "\n".join([*_HEADER, "", *_table(case, int(steps[0]), int(steps[-1])), "", *verdict])


def _table(case: Case, first: int, last: int) -> list[str]:
    probes, layers = case.tables["probes"], case.tables["layers"]
    reached = [_reach(probes, step) for step in dict.fromkeys((first, last))]
    now = np.flatnonzero(np.asarray(layers["step"]) == last)
    columns = [f"{f'step {step}':>12}" for step in dict.fromkeys((first, last))]
    figures = f" {'update':>8} {'dead':>5} {'saturated':>9}"
    room = WIDTH - len(f" depth {' '.join(columns)}{figures}")
    names = [_cut(str(layers["name"][row]), room) for row in now]
    width = max(12, *map(len, names))
    above = f"{'':<{width}}       {'reach,':>12}" + (f" {'reach,':>12}" if len(columns) > 1 else "")
    lines = [above, f"{'layer':<{width}} depth {' '.join(columns)}{figures}"]
    for place in _thinned(len(now)):
        row = now[place]
        lines.append(
            f"{names[place]:<{width}} {layers['depth'][row]:>5} "
            f"{' '.join(f'{_number(values[place]):>12}' for values in reached)} "
            f"{_number(layers['update_ratio'][row]):>8} {_share(layers['dead_fraction'][row]):>5} "
            f"{_share(layers['saturated_fraction'][row]):>9}"
        )
    return lines


def _reach(probes: Any, step: int) -> Sequence[float]:
    at = np.asarray(probes["step"]) == step
    sensitivity = np.asarray(probes["sensitivity"], dtype=float)[at]
    outputs = np.asarray(probes["sample_gradient"], dtype=float)[at][-1]
    return [float(value) for value in reach_of(sensitivity, float(outputs))]


def _thinned(count: int) -> list[int]:
    if count <= MOST_ROWS:
        return list(range(count))
    return [round(i * (count - 1) / (MOST_ROWS - 1)) for i in range(MOST_ROWS)]


def _cut(name: str, room: int) -> str:
    """The name without its beginning: what tells layers apart stands at the end."""
    return name if len(name) <= room else f"...{name[3 - room :]}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1e}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"
