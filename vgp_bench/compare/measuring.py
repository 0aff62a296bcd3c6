"""The metrics of one run, from its summary or, where it has none or does not hold them, from its tables."""

import math
from collections.abc import Sequence

import numpy as np

from vgp_bench.compare.metrics import DIVERGENCE_RATE, Metric
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import SIGNAL_FIGURES, signal_figures


def measure(record: RunRecord, metrics: Sequence[Metric]) -> tuple[list[float], str]:
    """The value of each metric (NaN: not measured; inf: never reached), and what went wrong in getting them."""
    problem = ""
    known: dict[str, float] = {}
    of_summary = [metric.name for metric in metrics if metric.average in ("mean", "geometric")]
    if record.summary is not None:
        known = {name: getattr(record.summary, name) for name in of_summary}
    elif any(name in SIGNAL_FIGURES for name in of_summary):
        try:
            known = signal_figures(record.columns("layers"))
        except ResultsError as error:
            problem = str(error)
    known[DIVERGENCE_RATE.name] = {"completed": 0.0, "diverged": 1.0}.get(record.state, math.nan)
    for metric in metrics:
        if metric.average == "reached" and record.state == "completed":
            try:
                known[metric.name] = steps_until(record, metric.reach)
            except ResultsError as error:
                problem = str(error)
    return [float(known.get(metric.name, math.nan)) for metric in metrics], problem


def steps_until(record: RunRecord, accuracy: float) -> float:
    """Steps done at the end of the first pass whose validation accuracy is at least `accuracy`.

    inf: no pass reached it; NaN: nothing was validated. Raises ResultsError if the epoch table is damaged.
    """
    epochs = record.columns("epochs")
    reached = np.asarray(epochs["validation_accuracy"], dtype=float)
    if not np.isfinite(reached).any():
        return math.nan
    first = np.flatnonzero(reached >= accuracy - 1e-12)  # 0.9 as typed is not quite 180 / 200 as counted
    return float(epochs["step"][first[0]]) if len(first) else math.inf


def loss_tells_more(record: RunRecord) -> bool:
    """Whether the loss is another question than the accuracy, as in a regression.

    Cross-entropy of the best answer that ignores the input is at least -ln of its accuracy; a squared error, or a
    loss that most answers make small, lies far below.
    """
    summary = record.summary
    if summary is None or not 0 < summary.chance_accuracy < 1:
        return False
    return summary.chance_loss < -0.9 * math.log(summary.chance_accuracy)
