"""The signal along depth at each step at which it was measured: on the probe set, else on the batches of the training.

A table of layers has norms over a batch and no figure of a single input. Where all inputs have signals and gradients of
about one size, as at the start of a training, S_l = E ||h|| ||dL/dh|| is the product of the two norms over the batch,
and E ||dL_i/dh_i|| is sqrt(B) ||dL/dh||, L the mean over B inputs.
"""

import math

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.looks import Look, looks

_READ = ("activation_gradient_l2", "activation_gradient_rms", "activation_mean", "activation_std")


def signal_looks(case: Case) -> list[Look]:
    """Looks with the columns sensitivity and sample_gradient, the latter NaN if the size of the batches is unknown."""
    probed = looks(case, "probes")
    if probed or not case.tables["layers"].keys() >= set(_READ):
        return probed
    size = (case.config.get("trainer") or {}).get("batch_size")
    batch = float(size) if isinstance(size, int) and size > 0 else math.nan
    logged = looks(case, "layers", "activation_gradient_l2")
    # Where something is no longer finite the training is over, and what it was like before counts.
    return [
        _of_batch(look, batch)
        for look in logged
        if all(np.isfinite(look.column(name).astype(float)).all() for name in _READ)
    ]


def _of_batch(look: Look, batch: float) -> Look:
    gradient, root_mean_square, mean, deviation = (look.column(name).astype(float) for name in _READ)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        values = gradient / root_mean_square  # the root of their number
        sensitivity = np.where(gradient == 0, 0.0, np.hypot(mean, deviation) * values * gradient)
    columns = {**look.columns, "sensitivity": sensitivity, "sample_gradient": math.sqrt(batch) * gradient}
    return Look(look.step, columns)
