"""Columns of the layer table at any logged step, for statistics of layers in training. Needs numpy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgp_bench.claims.evidence import NotMeasured, Observed


def hidden_rows(one: Observed, column: str) -> tuple[list[int], NDArray[Any]]:
    """The logged steps, and the column of the hidden layers: a row a step, a layer a column, from the input on.

    Raises NotMeasured if nothing was measured.
    """
    layers = one.ended.columns("layers")
    hidden = np.asarray(layers["kind"], dtype=object) == "hidden"
    order = np.lexsort((layers["stage"][hidden], layers["step"][hidden]))
    steps = np.unique(layers["step"][hidden])
    if not len(steps):
        raise NotMeasured("no layer was measured")
    values = np.asarray(layers[column], dtype=float)[hidden][order]
    return [int(step) for step in steps], values.reshape(len(steps), -1)
