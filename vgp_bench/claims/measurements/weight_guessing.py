"""Random weight guessing: a small recurrent network whose weights are drawn anew until it makes no mistake.

The control of Hochreiter & Schmidhuber (1997, "LSTM can solve hard long time lag problems", and the remark in
experiment 3 of "Long Short-Term Memory"): a task that guessing solves is no test of learning. From memory,
unconfirmed: fully recurrent networks of a few units with weights uniform in [-100, 100].
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vgp_bench.building import build, resolve_device, settled
from vgp_bench.config import ComposedRun

UNITS, RANGE = 2, 100.0
PROOF = 256
"""Sequences without a mistake after which a guess counts as a solution, as the paper's stopping rule has it."""
AT_ONCE, MOST = 64, 64_000


class Guesses(NamedTuple):
    """Networks h_t = tanh(w x_t + U h_(t-1) + b), answer 1 if v h_T + c > 0. Each tensor has the guesses first."""

    w: Tensor
    u: Tensor
    b: Tensor
    v: Tensor
    c: Tensor

    def answers(self, sequences: Tensor) -> Tensor:
        """(n, length, 1) -> (guesses, n), 0 or 1."""
        h = sequences.new_zeros(len(self.w), len(sequences), UNITS)
        for x in sequences.unbind(1):
            h = torch.tanh(x * self.w + torch.bmm(h, self.u.mT) + self.b)
        return ((h * self.v).sum(2) + self.c > 0).long()


def measure(composed: ComposedRun) -> dict[str, list[float]]:
    """guesses: until one is right on PROOF training sequences, which are drawn with the seed of the run; sequences:
    shown to all guesses up to there, each up to its first mistake; accuracy: of the last one on the test sequences.
    Without a solution among MOST guesses, nan for the accuracy."""
    config = {**composed.config, "device": resolve_device(composed.config["device"])}
    config["trainer"] = {**config["trainer"], "batch_size": PROOF}
    config["dataset"] = {**config["dataset"], "train_size": PROOF}
    feed = build(settled(config), lambda row: None).feed
    inputs, targets = next(iter(feed.batches.epoch(0)))
    generator = torch.Generator().manual_seed(int(composed.config["seed"]))
    guessed, shown = 0, 0
    while guessed < MOST:
        guesses = _drawn(AT_ONCE, generator)
        wrong = guesses.answers(inputs.cpu()) != targets.cpu()
        # Sequences up to and with the first mistake; all of them if there is none.
        seen = torch.where(wrong.any(1), wrong.long().argmax(1) + 1, PROOF)
        if not wrong.any(1).all():
            solution = int((~wrong.any(1)).long().argmax())
            shown += int(seen[: solution + 1].sum())
            one = Guesses(*(part[solution : solution + 1] for part in guesses))
            right = [(one.answers(x.cpu())[0] == y.cpu()).double() for x, y in feed.batches.evaluation("test")]
            return _row(guessed + solution + 1, shown, float(torch.cat(right).mean()))
        guessed, shown = guessed + AT_ONCE, shown + int(seen.sum())
    return _row(guessed, shown, float("nan"))


def _drawn(count: int, generator: torch.Generator) -> Guesses:
    shapes = ((1, UNITS), (UNITS, UNITS), (1, UNITS), (1, UNITS), (1,))
    return Guesses(*(torch.empty(count, *shape).uniform_(-RANGE, RANGE, generator=generator) for shape in shapes))


def _row(guesses: int, sequences: int, accuracy: float) -> dict[str, list[float]]:
    return {"guesses": [float(guesses)], "sequences": [float(sequences)], "accuracy": [accuracy]}
