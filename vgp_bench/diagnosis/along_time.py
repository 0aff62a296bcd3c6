"""The gradient along time at each probed step, and since when it has looked the way it does."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Evidence, Symptom, Verdict
from vgp_bench.records.time_signal import last_layer

Seen = tuple[Evidence, int]
"""What a test found: the evidence, and the lag in time steps from which on it holds."""
Test = Callable[[NDArray[np.floating], NDArray[np.floating]], Seen | None]
"""(lags, gradient at each lag over that at the last time step) -> what is wrong, if anything."""


def lasting(verdict: Verdict, case: Case, test: Test) -> Symptom | None:
    """The symptom that the test finds at the last probed step, with the step since when it found one each time.

    It looks at the last recurrent layer, read forward. Three time steps are the fewest that have a trend.
    """
    times = case.tables["times"]
    found: list[tuple[Seen, int]] = []
    for step in reversed(np.unique(np.asarray(times["step"])).tolist()):
        lag, gradient = last_layer(times, int(step), "state_gradient_l2")
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
