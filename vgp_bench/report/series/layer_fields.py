"""Gradient and update of every stage over the training of one group of runs, as numbers."""

from collections.abc import Sequence

import numpy as np

from vgp_bench.records.reading import RunRecord
from vgp_bench.report.series.depth_profile import relative_to_last
from vgp_bench.report.series.stage_steps import OverSeeds, over_seeds, stage_steps


def gradient_field(records: Sequence[RunRecord]) -> OverSeeds | None:
    """||dL/dh_l||_2 / ||dL/dh_L||_2 of the hidden stages at every logged step, L the last of them.

    None if it was not measured. A norm of which non-finite values had to be left out counts as not
    finite: it is no norm of dL/dh_l.
    """
    runs = []
    for record in records:
        layers = record.columns("layers")
        broken = np.asarray(layers["nonfinite_activation_gradients"]) > 0
        run = stage_steps(layers, np.where(broken, np.inf, layers["activation_gradient_l2"]))
        runs.append(run._replace(values=relative_to_last(run.values)) if len(run.steps) else run)
    return over_seeds(runs)


def update_field(records: Sequence[RunRecord]) -> OverSeeds | None:
    """||W_l after - W_l before||_2 / ||W_l before||_2 of every stage, the classifier included; None if not measured.

    It is not finite where a gradient that is not finite left none; a step that was skipped for one is an exact 0.
    """
    runs = []
    for record in records:
        layers = record.columns("layers")
        ratio = np.asarray(layers["update_ratio"], dtype=float)
        broken = np.isnan(ratio) & (np.asarray(layers["nonfinite_weight_gradients"]) > 0)
        runs.append(stage_steps(layers, np.where(broken, np.inf, ratio), output=True))
    return over_seeds(runs)
