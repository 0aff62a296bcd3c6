"""Statistics of how fast a run learns, read off its table of epochs or of steps. Needs numpy only."""

import numpy as np

from vgp_bench.claims.evidence import Observed, Statistic


def steps_until_loss(below: float) -> Statistic:
    """Steps until the validation loss is below that at the end of an epoch. A run that never gets there, or diverges
    before, counts one epoch more than it was to have, which is less than it needs; one without a single epoch is
    infinitely slow."""

    def value(one: Observed) -> float:
        epochs = one.ended.columns("epochs")
        steps = np.asarray(epochs["step"], dtype=float)
        reached = np.asarray(epochs["validation_loss"], dtype=float) < below
        if not len(steps):
            return np.inf
        never = steps[0] * (one.ended.config["trainer"]["max_epochs"] + 1)
        return float(steps[reached.argmax()] if reached.any() else never)

    return value


def steps_until_learned(accuracy: float, over: int) -> Statistic:
    """Steps until the accuracy on the training batches, averaged over so many steps, reaches that. A run that never
    gets there, or diverges, counts trainer.max_steps."""

    def value(one: Observed) -> float:
        found = np.asarray(one.ended.columns("steps")["accuracy"], dtype=float)
        averaged = np.convolve(found, np.ones(over) / over, mode="valid") if len(found) >= over else np.empty(0)
        reached = averaged >= accuracy
        never = float(one.ended.config["trainer"]["max_steps"])
        return float(reached.argmax() + over) if reached.any() else never

    return value
