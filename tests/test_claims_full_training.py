"""What claims about full training read off: errors, differences of training losses, divergences, sizes of networks."""

import math
from dataclasses import dataclass
from typing import Any, cast

import pytest

from vgp_bench.claims.by_name import arms_of, by_name
from vgp_bench.claims.error_rates import error_or_loss, percent_right, percent_wrong
from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.claims.expected import Expected, read_expected
from vgp_bench.claims.measurements.parameters import measure
from vgp_bench.claims.registry import claims
from vgp_bench.composition import compose


@dataclass
class Summary:
    train_loss: float
    test_accuracy: float
    chance_loss: float = 2.3
    chance_accuracy: float = 0.1


@dataclass
class Run:
    summary: Summary
    state: str = "completed"


FAILED = Run(Summary(math.nan, math.nan), "diverged")


def evidence(**arms: list[Run]) -> Evidence:
    observed = [
        Observed(arm.replace("_", " "), {}, seed, cast(Any, run))
        for arm, runs in arms.items()
        for seed, run in enumerate(runs)
    ]
    return Evidence(claims()["degradation"], "smoke", observed)


def expect(name: str, **entry: Any) -> Expected:
    return read_expected(name, {"source": "a paper", **entry}, "file.yaml")


def trained(*losses: float) -> list[Run]:
    return [Run(Summary(loss, 1 - loss / 10)) for loss in losses]


def test_error_is_the_rest_of_the_accuracy_in_per_cent_and_that_of_chance_where_training_failed() -> None:
    (ended,) = evidence(a=[Run(Summary(0.2, 0.9125))]).observed
    (failed,) = evidence(a=[FAILED]).observed
    assert (percent_wrong(ended), percent_right(ended)) == pytest.approx((8.75, 91.25))
    assert (percent_wrong(failed), percent_right(failed)) == pytest.approx((90, 10))


def test_a_name_with_over_is_a_difference_by_seed() -> None:
    assert arms_of("plain 56 over plain 20") == ("plain 56", "plain 20")
    assert arms_of("plain 56") == ("plain 56", "")
    found = evidence(plain_56=trained(3, 5, 7), plain_20=trained(2, 2, 2))
    assert by_name(found, lambda one: one.ended.summary.train_loss, "plain 56 over plain 20") == {0: 1, 1: 3, 2: 5}  # type: ignore[union-attr]


def test_losses_are_compared_where_two_arms_are_named_and_errors_where_one_is() -> None:
    found = evidence(ours=trained(0.3, 0.4, 0.5), theirs=trained(0.1, 0.1, 0.1))
    assert error_or_loss(found, expect("ours over theirs", at_least=0)).measured.mean == pytest.approx(0.3)
    assert error_or_loss(found, expect("ours", at_most=9)).measured.mean == pytest.approx(4)


def test_divergences_are_told_and_count_as_chance() -> None:
    found = evidence(ours=[*trained(0.3, 0.3, 0.3), FAILED], theirs=trained(0.3, 0.3, 0.3, 0.3))
    check = error_or_loss(found, expect("ours over theirs", at_least=0))
    assert check.measured.mean == pytest.approx((0 + 0 + 0 + 2.0) / 4)
    assert check.reason == "ours: 1 of 4 runs diverged"
    assert error_or_loss(found, expect("theirs", at_most=9)).reason == ""


def test_the_size_of_a_densenet_is_its_sum_by_hand() -> None:
    """Huang et al. 2017, section 3: per layer norm and 3 x 3 convolution, per transition norm and 1 x 1."""
    depth, growth, channels = 10, 12, 16
    layers, total = (depth - 4) // 3, 9 * 16  # digits have one channel
    for block in range(3):
        for _ in range(layers):
            total += 2 * channels + 9 * channels * growth
            channels += growth
        if block < 2:
            total += 2 * channels + channels * channels
    total += 2 * channels + 10 * channels + 10
    words = [f"architecture.depth={depth}", "normalizer=batch", "dataset=digits", "device=cpu"]
    (composed,) = compose(["architecture=densenet", *words])
    assert measure(composed) == {"millions": [total / 1e6]}
