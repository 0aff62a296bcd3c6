"""The figures that claims about training read off runs: the tuned learning rate, steps to a target, the cliff."""

import math
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from vgp_bench.claims.claim import Claim
from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.claims.layer_rows import hidden_rows
from vgp_bench.claims.papers.batchnorm_depth_limit import crossing
from vgp_bench.claims.registry import claims
from vgp_bench.claims.training_figures import steps_to, training_loss
from vgp_bench.claims.tuned import named, tuned, tuned_along


@dataclass
class Run:
    """As much of a record as the figures read."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    max_steps: int = 100
    state: str = "completed"
    summary: Any = None

    @property
    def config(self) -> dict[str, Any]:
        return {"trainer": {"max_steps": self.max_steps}}

    def columns(self, table: str) -> dict[str, Any]:
        return {name: np.asarray(values) for name, values in self.tables[table].items()}


@dataclass
class Summary:
    train_loss: float
    chance_loss: float = 2.3
    validation_accuracy: float = 0.0
    test_accuracy: float = 0.0


def observed(run: Run | None, point: dict[str, Any] | None = None, arm: str = "a", seed: int = 0) -> Observed:
    return Observed(arm, point or {}, seed, cast(Any, run))


def passes(accuracy: list[float]) -> dict[str, dict[str, Any]]:
    return {"epochs": {"step": [10 * (i + 1) for i in range(len(accuracy))], "validation_accuracy": accuracy}}


def test_steps_to_are_those_of_the_first_pass_that_reached_it() -> None:
    assert steps_to(0.9)(observed(Run(passes([0.5, 0.9, 0.8, 0.95])))) == 20


@pytest.mark.parametrize("accuracy", [[0.1, 0.2], [math.nan], []])
def test_a_run_that_never_got_there_or_diverged_early_counts_all_steps_asked_for(accuracy: list[float]) -> None:
    assert steps_to(0.9)(observed(Run(passes(accuracy), state="diverged"))) == 100


def test_the_loss_of_a_run_that_diverged_is_that_of_chance() -> None:
    assert training_loss(observed(Run(summary=Summary(0.4)))) == 0.4
    assert training_loss(observed(Run(summary=Summary(math.nan), state="diverged"))) == 2.3


def test_the_cliff_lies_between_two_depths_on_a_line_over_the_logarithm() -> None:
    assert crossing({10: 0.9, 20: 0.9, 40: 0.1}) == pytest.approx(20 * math.sqrt(2))
    assert crossing({10: 0.3, 20: 0.1}) == 10
    assert crossing({10: 0.9, 20: 0.8}) == 20
    assert math.isnan(crossing({10: 0.9, 20: math.nan}))


def test_rows_of_layers_come_in_the_order_of_steps_and_stages() -> None:
    table = {
        "step": [5, 0, 0, 0, 5],
        "stage": [0, 2, 1, 0, 1],
        "kind": ["hidden", "output", "hidden", "hidden", "hidden"],
        "update_ratio": [3.0, 9.0, 2.0, 1.0, 4.0],
    }
    steps, values = hidden_rows(observed(Run({"layers": table})), "update_ratio")
    assert steps == [0, 5]
    assert values.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_each_side_has_the_rate_that_validation_chose_at_each_depth() -> None:
    # The best rate by validation has the worse test accuracy here: it must be the one read all the same.
    claim: Claim = claims()["adam-limit"]
    found = {
        ("adam", 7, 0.03): (0.8, 0.7),
        ("adam", 7, 0.3): (0.7, 0.9),
        ("adam", 20, 0.3): (0.2, 0.3),
        ("sgd", 7, 0.3): (0.5, 0.6),
    }
    runs = []
    for arm in ("sgd", "adam"):
        for depth in (7, 20):
            for rate in claim.scales["smoke"].grid["optimizer.lr"]:
                validation, test = found.get((arm, depth, rate), (0.1, 0.1))
                summary = Summary(1.0, validation_accuracy=validation, test_accuracy=test)
                point = {"architecture.depth": depth, "optimizer.lr": rate}
                runs += [observed(Run(summary=summary), point, arm, seed) for seed in range(3)]
    evidence = Evidence(claim, "smoke", runs)

    def test_accuracy(one: Observed) -> float:
        return float(cast(Any, one.ended.summary).test_accuracy)

    assert tuned(evidence, test_accuracy, "adam", depth=7) == {0: 0.7, 1: 0.7, 2: 0.7}
    assert {d: v[0] for d, v in tuned_along(evidence, test_accuracy, "adam", "depth").items()} == {7: 0.7, 20: 0.3}
    assert named(evidence, test_accuracy, "adam_over_sgd_7")[0] == pytest.approx(0.1)
    assert named(evidence, test_accuracy, "sgd_7")[0] == 0.6
