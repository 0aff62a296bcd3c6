"""Srivastava et al. 2015: fifty layers train with gates that begin by carrying, and not without."""

from pathlib import Path

import pytest

from tests.composing import compose
from vgp_bench.records.summary import Summary
from vgp_bench.run import perform


def trained(results: Path, *words: str) -> Summary:
    # Shorter than the study, whose 40 epochs add 3 % of accuracy; measured at the two ends alone.
    short = ["trainer.max_epochs=15", "monitor.dense_steps=1", "monitor.every=1000", "monitor.probe_every=null"]
    composed = compose("experiment=highway_digits", "device=cpu", *short, *words, results=results)
    outcome = perform(composed, ["test"], lambda total: lambda steps, loss: None)
    assert outcome.summary is not None, outcome.reason
    return outcome.summary


def test_fifty_layers_learn_with_gates_and_not_without(tmp_path: Path) -> None:
    gated = trained(tmp_path)
    plain = trained(tmp_path, "architecture=mlp")
    assert gated.test_accuracy > 0.9
    assert plain.test_accuracy < 0.2
    # What the gates carry, (1 - sigmoid(-4))^48 from the last highway layer to the first: .415; the rest is H's own.
    assert gated.initial_gradient_ratio == pytest.approx(0.415, rel=0.15)
    assert plain.initial_gradient_ratio < 1e-9
