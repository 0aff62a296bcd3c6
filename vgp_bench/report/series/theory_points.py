"""Predicted and measured decay per layer at initialization, a point a group, as numbers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from vgp_bench.compare import Comparison, Estimate, estimate
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import FEWEST_STAGES, signal_figures
from vgp_bench.theory.initial_variance import NoClosedForm
from vgp_bench.theory.predicted_decay import predicted_decay


class TheoryPoint(NamedTuple):
    """predicted: theory's factor; measured: geometric mean over seeds, with its interval. shallow: with so few layers
    the first ones, whose variance has not settled, are in the fit."""

    group: int
    predicted: float
    measured: Estimate
    shallow: bool


def theory_points(comparison: Comparison) -> tuple[list[TheoryPoint], dict[int, str]]:
    """The points, and for every other group why it has none."""
    points, without = [], {}
    for group, members in enumerate(comparison.members):
        if not members:
            without[group] = "no run could be read"
            continue
        try:
            predicted = predicted_decay(members[0].config)
        except NoClosedForm as reason:
            without[group] = f"no closed form: {reason}"
            continue
        measured = estimate_at_start(members)
        if measured.n and math.isfinite(measured.mean) and measured.mean > 0:
            shallow = int(members[0].config["architecture"]["depth"]) < FEWEST_STAGES
            points.append(TheoryPoint(group, predicted, measured, shallow))
        else:
            without[group] = "no decay at initialization was measured"
    return points, without


def estimate_at_start(records: Sequence[RunRecord]) -> Estimate:
    """Decay per layer at the first logged step, of all runs: it does not depend on how they ended."""
    return estimate(
        (
            record.summary.initial_decay_per_layer
            if record.summary
            else signal_figures(record.columns("layers"))["initial_decay_per_layer"]
            for record in records
        ),
        geometric=True,
    )
