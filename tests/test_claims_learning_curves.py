"""Steps counted off a record, and networks guessed at random, against what one sees by eye."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from vgp_bench.claims.evidence import Observed
from vgp_bench.claims.learning_curves import steps_until_learned, steps_until_loss
from vgp_bench.claims.measurements import weight_guessing
from vgp_bench.claims.measurements.weight_guessing import Guesses, measure
from vgp_bench.composition import compose


@dataclass(frozen=True)
class Record:
    tables: dict[str, dict[str, Any]]
    config: dict[str, Any]

    def columns(self, table: str) -> dict[str, Any]:
        return {name: np.array(values) for name, values in self.tables[table].items()}


def observed(max_steps: int = 40, **tables: dict[str, Any]) -> Observed:
    record: Any = Record(tables, {"trainer": {"max_steps": max_steps, "max_epochs": 3}})
    return Observed("arm", {}, 0, record)


EPOCHS = {"step": [10, 20, 30], "validation_loss": [0.5, 0.09, 0.2]}


def test_the_first_epoch_below_the_loss_counts_even_if_it_rises_again() -> None:
    assert steps_until_loss(0.1)(observed(epochs=EPOCHS)) == 20


def test_a_run_that_never_gets_there_counts_one_epoch_more() -> None:
    assert steps_until_loss(0.01)(observed(epochs=EPOCHS)) == 40


def test_a_run_that_diverged_early_is_not_quick() -> None:
    begun = {name: values[:1] for name, values in EPOCHS.items()}
    assert steps_until_loss(0.01)(observed(epochs=begun)) == 40
    assert steps_until_loss(0.1)(observed(epochs={name: [] for name in EPOCHS})) == np.inf


def test_accuracy_is_averaged_over_the_latest_steps() -> None:
    one = observed(steps={"accuracy": [0.0, 1.0, 0.0, 0.5, 1.0]})
    assert steps_until_learned(0.75, over=2)(one) == 5  # means .5 .5 .25 .75 after 2, 3, 4, 5 steps
    assert steps_until_learned(0.5, over=2)(one) == 2
    assert steps_until_learned(0.9, over=2)(one) == 40


def test_a_run_shorter_than_the_window_never_gets_there() -> None:
    assert steps_until_learned(0.5, over=10)(observed(steps={"accuracy": [1.0, 1.0]})) == 40


def test_guessed_networks_answer_as_one_after_the_other_would() -> None:
    guesses = weight_guessing._drawn(5, torch.Generator().manual_seed(1))
    sequences = torch.randn(7, 12, 1, generator=torch.Generator().manual_seed(2))
    found = guesses.answers(sequences)
    for g in range(5):
        w, u, b, v, c = (part[g].double().numpy() for part in guesses)
        for n, sequence in enumerate(sequences.double().numpy()):
            h = np.zeros(weight_guessing.UNITS)
            for x in sequence[:, 0]:
                h = np.tanh(w[0] * x + u @ h + b[0])
            assert found[g, n] == int(v[0] @ h + c[0] > 0)


def test_a_latch_is_recognized_as_a_solution() -> None:
    """A unit that keeps its sign against the noise: w x is small beside u h."""
    u = torch.zeros(1, 2, 2)
    u[0, 0, 0] = 100.0
    latch = Guesses(
        torch.tensor([[[10.0, 0.0]]]), u, torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]), torch.zeros(1, 1)
    )
    sequences = torch.randn(50, 30, 1, generator=torch.Generator().manual_seed(0)) * 0.45
    sequences[:, 0, 0] = torch.tensor([1.0, -1.0]).repeat(25)
    assert latch.answers(sequences)[0].tolist() == [1, 0] * 25


def test_every_guess_is_charged_up_to_its_first_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        "dataset=two_sequence",
        "dataset.length=10",
        "architecture=lstm",
        "architecture.hidden=2",
        "activation=tanh",
    ]
    (composed,) = compose([*words, "activation=tanh", "device=cpu", "monitor=off", "dataset.test_size=300"])
    found = {name: values[0] for name, values in measure(composed).items()}
    assert found == {name: values[0] for name, values in measure(composed).items()}
    assert found["accuracy"] > 0.95
    assert found["sequences"] >= found["guesses"] - 1 + weight_guessing.PROOF
    monkeypatch.setattr(weight_guessing, "MOST", 0)
    assert np.isnan(measure(composed)["accuracy"][0])
