"""The sentence about a run says what its record says, and nothing where nothing was measured."""

import math

import pytest

from tests.made_runs import make_run, mlp_config
from vgp_bench.records.reading import read_run
from vgp_bench.report.page.description import description

LEARNED = {"test_accuracy": 0.9, "test_loss": 0.3, "chance_accuracy": 0.1, "chance_loss": 2.3}


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (LEARNED, "test accuracy 90.0% and loss 0.3, better than chance (10.0%, 2.3)."),
        (LEARNED | {"test_accuracy": 0.08}, "test accuracy 8.0% and loss 0.3, no better than chance (10.0%, 2.3)."),
        (LEARNED | {"test_loss": 2.4}, "test accuracy 90.0% and loss 2.4, no better than chance (10.0%, 2.3)."),
        (LEARNED | {"chance_accuracy": math.nan}, "test accuracy 90.0%."),
        ({"initial_gradient_ratio": 1e-9, "initial_decay_per_layer": 0.25, "initial_decay_r2": 1.0},
         "completed, without a test; at the start the gradient of the first hidden stage is 1.0e-09 of the last: "
         "it falls by a factor of 0.250 a layer down, R2 1.00."),
        ({"initial_gradient_ratio": 32.0, "initial_decay_per_layer": 1.41},
         "completed, without a test; at the start the gradient of the first hidden stage is 3.2e+01 of the last: "
         "it grows by a factor of 1.410 a layer down."),
        ({"initial_decay_per_step": 0.5},
         "completed, without a test; through time it changes by a factor of 0.500 a step back."),
    ],
)  # fmt: skip
def test_a_completed_run(tmp_path, figures, words):
    assert description(read_run(make_run(tmp_path, mlp_config(), **figures))) == words


def test_a_run_that_did_not_complete(tmp_path):
    path = make_run(tmp_path, mlp_config(), state="diverged", initial_gradient_ratio=0.5)
    assert description(read_run(path)).startswith("diverged; at the start")
    assert description(read_run(make_run(tmp_path, mlp_config(1), state="failed"))) == "failed"
