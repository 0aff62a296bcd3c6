"""The gradient along time at each probed step, and since when it has looked the way it does."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom, Verdict
from vgp_bench.records.signal import Columns

Seen = tuple[Evidence, int]
"""What a test found: the evidence, and the lag in time steps from which on it holds."""
Test = Callable[[NDArray[np.floating], NDArray[np.floating]], Seen | None]
"""(lags, gradient at each lag over that at the last time step) -> what is wrong, if anything."""
Reading = Callable[[Columns, int], tuple[NDArray[np.floating], NDArray[np.floating]]]
"""(times, step) -> (lags in ascending order, gradient at each)."""


def lasting(verdict: Verdict, case: Case, test: Test, read: Reading) -> Symptom | None:
    """The symptom that the test finds at the last probed step, with the step since when it found one each time.

    Three time steps are the fewest that have a trend.
    """
    times = case.tables["times"]
    found: list[tuple[Seen, int]] = []
    for step in reversed(np.unique(np.asarray(times["step"])).tolist()):
        lag, gradient = read(times, int(step))
        if len(gradient) < 3 or not np.isfinite(gradient).all() or gradient[0] == 0:
            break
        with np.errstate(over="ignore"):
            ratio = gradient / gradient[0]
        seen = test(lag, ratio)
        if seen is None:
            break
        found.append((seen, int(step)))
    if not found:
        return None
    (evidence, _), _ = found[0]
    # So far back it was seen at each of these steps; at the last one perhaps from nearer on.
    beyond = max(beyond for (_, beyond), _ in found)
    return Symptom(verdict, evidence, found[-1][1], "time", lag=beyond)


def heard(times: Columns, step: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """How much the loss hears of the inputs at each lag.

    An input acts on the states of the first layer at its time step and on nothing else, so by the chain rule it is the
    total derivative there that decides: all ways through time are in it, those through the layers above as well, of
    which each alone may be closed. An LSTM carries through its cell (Hochreiter & Schmidhuber 1997), which leads to the
    state too. What is read in both directions is heard by the better one, and is as far away as the nearer end; of two
    inputs that far from an end, the one that is heard less counts.
    """
    time, lag, gradient = _first_layer(times, step)
    moments, at = np.unique(time, return_inverse=True)
    nearest, best = np.full(len(moments), np.inf), np.full(len(moments), -np.inf)
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        np.minimum.at(nearest, at, lag)
        np.maximum.at(best, at, gradient)
        lags, place = np.unique(nearest, return_inverse=True)
        least = np.full(len(lags), np.inf)
        np.minimum.at(least, place, best)
    return lags, least


def swollen(times: Columns, step: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """How large the gradient of the first layer is at each lag, in the direction in which it is larger: a single one
    that grows makes the step of the weights it shares."""
    _, lag, gradient = _first_layer(times, step)
    lags, place = np.unique(lag, return_inverse=True)
    most = np.full(len(lags), -np.inf)
    with np.errstate(invalid="ignore"):
        np.maximum.at(most, place, gradient)
    return lags, most


def _first_layer(times: Columns, step: int) -> list[NDArray[np.floating]]:
    """(time, lag, gradient) of the first recurrent layer at a step, a row each; of an LSTM, that of its cell."""
    layers = np.asarray(times["layer"], dtype=object)
    chosen = np.asarray(times["step"]) == step
    if chosen.any():
        chosen &= layers == layers[chosen][0]
    time, lag, state, cell = (
        np.asarray(times[name], dtype=float)[chosen]
        for name in ("time", "lag", "state_gradient_l2", "cell_gradient_l2")
    )
    return [time, lag, np.where(np.isnan(cell), state, cell)]
