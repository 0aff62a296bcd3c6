"""Figures of how training went, read off the passes of a run: losses and steps to a target."""

import math

from vgp_bench.claims.evidence import Observed, Statistic


def training_loss(one: Observed) -> float:
    """Mean loss of the last pass; a run that diverged has learned nothing: it has that of chance."""
    summary = one.ended.summary
    if summary is None:
        return math.nan
    return float(summary.chance_loss if one.diverged else summary.train_loss)


def steps_to(accuracy: float) -> Statistic:
    """Steps done when the validation accuracy first reached this, looked at after each pass. A run that never did, or
    that diverged before, counts the steps that were asked for, trainer.max_steps, which is fewer than it needs."""

    def value(one: Observed) -> float:
        epochs = one.ended.columns("epochs")
        reached = epochs["step"][epochs["validation_accuracy"] >= accuracy]
        return float(reached[0] if len(reached) else one.ended.config["trainer"]["max_steps"])

    return value
