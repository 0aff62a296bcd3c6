"""gradient-lag: ||dL/dh_t|| of a plain recurrent net and ||dL/dc_t|| of LSTMs, by the steps from t to the end."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import Curve, curves
from vgp_bench.claims.evidence import Evidence, Observed, Statistic, measured
from vgp_bench.records.time_signal import decay_per_step

COLUMNS = {"rnn": "state", "lstm": "cell", "lstm_bias_1": "cell", "lstm_chrono": "cell"}
LAG = 100

_radius = measured("gradient_by_lag", "radius")


def check(evidence: Evidence) -> list[Check]:
    return [
        *(judged(evidence.expected(arm), evidence.each(_at_lag(column), arm)) for arm, column in COLUMNS.items()),
        judged(evidence.expected("rnn_per_step"), evidence.each(_decay, "rnn")),
        judged(
            evidence.expected("rnn_by_its_own_radius"), evidence.each(lambda one: _decay(one) / _radius(one), "rnn")
        ),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lag = np.arange(0, 200, 10)
    lines = []
    for arm, column in COLUMNS.items():
        values = [_by_lag(one, column) for one in evidence.cells(arm) if one.measured]
        lines.append(Curve(arm, [float(x) for x in lag], [list(v[lag]) for v in values], _predicted(arm, lag)))
    return curves(
        "Gradient through time before training",
        "steps back from the end",
        r"$\Vert\partial L/\partial h_t\Vert$ (LSTM: $c_t$) / that of the end",
        lines,
        notes=["Predicted: the direct way alone, spectral radius or forget gates"],
    )


def _predicted(arm: str, lag: NDArray[Any]) -> list[float]:
    """L2 norm over units: .577^lag, sigmoid(b_f)^lag; chrono, f = u / (1 + u) with u uniform in 1 ... 199."""
    u = np.linspace(1, 199, 4001)
    gates = {"rnn": np.array(1 / np.sqrt(3)), "lstm": np.array(0.5), "lstm_bias_1": np.array(1 / (1 + np.exp(-1)))}
    gate = gates.get(arm, u / (1 + u))
    return [float(np.sqrt(np.mean(gate ** (2 * x)))) for x in lag]


def _by_lag(one: Observed, column: str) -> NDArray[Any]:
    values: NDArray[Any] = np.asarray(one.measured["gradient_by_lag"][column])
    return np.asarray(values / values[0])


def _at_lag(column: str) -> Statistic:
    return lambda one: float(_by_lag(one, column)[LAG])


def _decay(one: Observed) -> float:
    values = one.measured["gradient_by_lag"]
    return decay_per_step(values["lag"], values["state"]).rho
