"""The statistic that shows what a change did to the signal: that of the verdict it was tried for."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Diagnosis
from vgp_bench.diagnosis.looks import Look, looks
from vgp_bench.diagnosis.reach import reach
from vgp_bench.diagnosis.updates import update_ratio
from vgp_bench.records.time_signal import last_layer


@dataclass(frozen=True)
class Statistic:
    """header: of a column; meaning: in words, with what is healthy; of: its value at the last probed step, NaN if
    unknown."""

    header: tuple[str, ...]
    meaning: str
    of: Callable[[Case], float]


def statistic_of(diagnosis: Diagnosis) -> Statistic:
    """The statistic of the verdict; for those without one of their own the reach."""
    if diagnosis.cause is not None and diagnosis.cause.axis == "time":
        return _TIME
    return _OF_VERDICT.get(diagnosis.verdict, _REACH)


def _at_last(case: Case, table: str, column: str, figure: Callable[[Look], float]) -> float:
    found = looks(case, table, column)
    return figure(found[-1]) if found else math.nan


def _reach(case: Case) -> float:
    def first(look: Look) -> float:
        reached = reach(look)
        return float(reached[0]) if len(reached) else math.nan

    return _at_last(case, "probes", "sensitivity", first)


def _time(case: Case) -> float:
    times = case.tables["times"]
    steps = np.asarray(times["step"])
    if not len(steps):
        return math.nan
    _, gradient = last_layer(times, int(steps.max()), "state_gradient_l2")
    return float(gradient[-1] / gradient[0]) if len(gradient) and gradient[0] > 0 else math.nan


def _extreme(table: str, column: str, which: Callable[..., float]) -> Callable[[Case], float]:
    def figure(look: Look) -> float:
        values = look.hidden(column).astype(float)
        return float(which(values)) if np.isfinite(values).any() else math.nan

    return lambda case: _at_last(case, table, column, figure)


def _last_share(case: Case) -> float:
    def figure(look: Look) -> float:
        share = look.hidden("input_share").astype(float)
        return float(share[-1]) if len(share) else math.nan

    return _at_last(case, "probes", "input_share", figure)


_REACH = Statistic(
    ("reach",), "reach: change of the logits per relative change of the first stage; healthy .1 to 1000", _reach
)
_TIME = Statistic(
    ("time", "ratio"), "time ratio: gradient of the first time step over that of the last; healthy .001 to 1000", _time
)
_OF_VERDICT = {
    "dead units": Statistic(
        ("dead",), "dead: share of dead units of the worst stage", _extreme("layers", "dead_fraction", np.nanmax)
    ),
    "saturated": Statistic(
        ("slope",),
        "slope: mean slope of the flattest stage's activations over the greatest; healthy above .15",
        _extreme("probes", "slope_mean", np.nanmin),
    ),
    "collapsed": Statistic(
        ("input", "share"),
        "input share: how much of the last hidden signal depends on the input; healthy above 1e-5",
        _last_share,
    ),
    "symmetric": Statistic(
        ("spread",),
        "spread: difference between the rows of a stage's weights, the least; healthy above 1e-4",
        _extreme("probes", "weight_spread", np.nanmin),
    ),
    "update too small": Statistic(
        ("update", "ratio"),
        "update ratio: size of a step over that of the weights, of the stage that moves most; about 1e-3 is usual",
        update_ratio,
    ),
}
