"""Other tools' rules on tables made by hand: each threshold from both sides, when a tool looks and when it does not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from vgp_bench.diagnosis.case import Case, empty_tables
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.rule_sets import rule_sets
from vgp_bench.diagnosis.rules import articles, autotrainer, deepchecker, deepdiagnosis, sagemaker, tables
from vgp_bench.records.rows import TABLES

Rows = Sequence[Mapping[str, Any]]
HEALTHY_LAYER = {
    "weight_gradient_l2": 1.0,
    "update_ratio": 1e-3,
    "zero_fraction": 0.4,
    "activation_mean": 0.3,
    "nonfinite_activations": 0,
    "nonfinite_activation_gradients": 0,
    "nonfinite_weight_gradients": 0,
}
HEALTHY_PROBE = {
    "weight_gradient_mean": 1e-3,
    "zero_gradient_fraction": 0.2,
    "nonpositive_fraction": 0.5,
    "large_input_fraction": 0.0,
    "extreme_input_fraction": 0.0,
    "boundary_mean": np.nan,  # ReLU has no range
    "rare_units": 0.0,
    "faint_units": 0.0,
}
LEARNING = [0.1, 0.3, 0.5, 0.7, 0.8, 0.85, 0.87, 0.88, 0.9, 0.92]
SLOWER = [0.1, 0.3, 0.5, 0.69, 0.8, 0.85, 0.87, 0.88, 0.9, 0.92]
STUCK = [0.1, 0.11, 0.1, 0.11, 0.1, 0.11, 0.1, 0.11, 0.1, 0.11]


def table(name: str, rows: Rows) -> dict[str, Any]:
    """Columns of a table; what a row does not say is NaN."""
    names = [field.name for field in fields(TABLES[name])]
    return {column: np.array([row.get(column, np.nan) for row in rows]) for column in names}


def stages(steps: Sequence[int], healthy: Mapping[str, Any], **columns: Any) -> list[dict[str, Any]]:
    """Three hidden stages and an output at each step; a column as one value, or as one for each of the four."""
    rows = []
    for step in steps:
        for stage in range(4):
            row = {"step": step, "stage": stage, "kind": "output" if stage == 3 else "hidden", **healthy}
            row |= {name: value[stage] if isinstance(value, list) else value for name, value in columns.items()}
            rows.append(row)
    return rows


def case(
    accuracy: Sequence[float] = LEARNING,
    layers: Rows | None = None,
    probes: Rows | None = None,
    loss: Sequence[float] | None = None,
    state: str = "completed",
) -> Case:
    """Ten steps an epoch; logged and probed at the last step of each."""
    ends = [10 * epoch + 9 for epoch in range(len(accuracy))]
    losses = [1 - share for share in accuracy] if loss is None else loss
    steps = [
        {"step": 10 * epoch + step, "epoch": epoch, "loss": losses[epoch], "accuracy": accuracy[epoch]}
        for epoch in range(len(accuracy))
        for step in range(10)
    ]
    made = {
        **empty_tables(),
        "steps": table("steps", steps),
        "layers": table("layers", stages(ends, HEALTHY_LAYER) if layers is None else layers),
        "probes": table("probes", stages(ends, HEALTHY_PROBE) if probes is None else probes),
    }
    return Case(made, state)


ENDS = [10 * epoch + 9 for epoch in range(10)]


def layers(**columns: Any) -> list[dict[str, Any]]:
    return stages(ENDS, HEALTHY_LAYER, **columns)


def probes(**columns: Any) -> list[dict[str, Any]]:
    return stages(ENDS, HEALTHY_PROBE, **columns)


def test_every_tool_is_found_beside_ours() -> None:
    assert list(rule_sets()) == ["ours", "articles", "autotrainer", "deepchecker", "deepdiagnosis", "sagemaker"]


@pytest.mark.parametrize("name", ["articles", "autotrainer", "deepchecker", "deepdiagnosis", "sagemaker"])
def test_of_a_healthy_training_and_of_an_empty_record_nothing_is_said(name: str) -> None:
    assert rule_sets()[name](case()) == []
    assert rule_sets()[name](Case(empty_tables())) == []


@pytest.mark.parametrize("name", ["articles", "autotrainer", "deepchecker", "deepdiagnosis", "sagemaker"])
def test_a_loss_that_is_not_finite_is_told_by_all(name: str) -> None:
    found = rule_sets()[name](case(LEARNING[:3], loss=[1.0, 2.0, np.nan], state="diverged"))
    assert found == ["diverged" if name == "deepdiagnosis" else "exploding"]


VALUES: list[tuple[Callable[[Case], list[Verdict]], Case, Case, Verdict]] = [
    # AUTOTRAINER: ||g_1|| / ||g_L|| < 1e-3 and ||g_1|| < 1e-4; > 70; zeros >= .7; all without convergence
    (
        autotrainer.judge,
        case(STUCK, layers(weight_gradient_l2=[0.9e-4, 1, 1, 0.1])),
        case(STUCK, layers(weight_gradient_l2=[1.1e-4, 1, 1, 1])),
        "vanishing",
    ),
    (
        autotrainer.judge,
        case(STUCK, layers(weight_gradient_l2=[71.0, 1, 1, 1])),
        case(STUCK, layers(weight_gradient_l2=[69.0, 1, 1, 1])),
        "exploding",
    ),
    (
        autotrainer.judge,
        case(STUCK, probes=probes(zero_gradient_fraction=[0.9, 0.7, 0.7, 0.5])),
        case(STUCK, probes=probes(zero_gradient_fraction=[0.9, 0.7, 0.7, 0.49])),
        "dead units",
    ),
    # DeepDiagnosis: outputs <= 0 >= .7; half of the inputs beyond 5, in a bounded activation; mean |dW| < 1e-7
    (
        deepdiagnosis.judge,
        case(probes=probes(nonpositive_fraction=[0.5, 0.7, 0.5, np.nan])),
        case(probes=probes(nonpositive_fraction=[0.5, 0.69, 0.5, np.nan])),
        "dead units",
    ),
    (
        deepdiagnosis.judge,
        case(probes=probes(large_input_fraction=[0, 0.51, 0, 0], boundary_mean=0.5)),
        case(probes=probes(large_input_fraction=[0, 0.5, 0, 0], boundary_mean=0.5)),
        "saturated",
    ),
    (
        deepdiagnosis.judge,
        case(probes=probes(weight_gradient_mean=[0.9e-7, 1, 1, 1])),
        case(probes=probes(weight_gradient_mean=[1.1e-7, 1, 1, 1])),
        "vanishing",
    ),
    # SageMaker: mean |g| < 1e-7; units active on < 1 % of the inputs, > half; |z| > 9.5, > half; update in [1e-8, 10]
    (
        sagemaker.judge,
        case(probes=probes(weight_gradient_mean=[0.9e-7, 1, 1, 1])),
        case(probes=probes(weight_gradient_mean=[1.1e-7, 1, 1, 1])),
        "vanishing",
    ),
    (
        sagemaker.judge,
        case(probes=probes(rare_units=[0, 0.51, 0, 0])),
        case(probes=probes(rare_units=[0, 0.5, 0, 0])),
        "dead units",
    ),
    (
        sagemaker.judge,
        case(probes=probes(extreme_input_fraction=[0, 0.51, 0, 0], boundary_mean=0.5)),
        case(probes=probes(extreme_input_fraction=[0, 0.5, 0, 0], boundary_mean=0.5)),
        "saturated",
    ),
    (
        sagemaker.judge,
        case(layers=layers(update_ratio=[1, 0.9e-8, 1, 1])),
        case(layers=layers(update_ratio=[1, 1.1e-8, 1, 1])),
        "update too small",
    ),
    (
        sagemaker.judge,
        case(layers=layers(update_ratio=[1, 10.1, 1, 1])),
        case(layers=layers(update_ratio=[1, 9.9, 1, 1])),
        "unstable",
    ),
    (sagemaker.judge, case(layers=layers(nonfinite_weight_gradients=[0, 1, 0, 0])), case(), "exploding"),
    # TheDeepChecker: mean |g| < 1e-6; p95 |a| < 1e-5 for > half; rho_B > .85; log10(update / weight) in [-4, -1]
    (
        deepchecker.judge,
        case(probes=probes(weight_gradient_mean=[0.9e-6, 1, 1, 1])),
        case(probes=probes(weight_gradient_mean=[1.1e-6, 1, 1, 1])),
        "vanishing",
    ),
    (
        deepchecker.judge,
        case(probes=probes(faint_units=[0, 0.51, 0, 0])),
        case(probes=probes(faint_units=[0, 0.5, 0, 0])),
        "dead units",
    ),
    (
        deepchecker.judge,
        case(probes=probes(boundary_mean=[0.5, 0.86, 0.5, np.nan])),
        case(probes=probes(boundary_mean=[0.5, 0.84, 0.5, np.nan])),
        "saturated",
    ),
    (
        deepchecker.judge,
        case(layers=layers(update_ratio=[0.9e-4, 1e-3, 1e-3, 1e-3])),
        case(layers=layers(update_ratio=[1.1e-4, 1e-3, 1e-3, 1e-3])),
        "update too small",
    ),
    (
        deepchecker.judge,
        case(layers=layers(update_ratio=[0.11, 1e-3, 1e-3, 1e-3])),
        case(layers=layers(update_ratio=[0.09, 1e-3, 1e-3, 1e-3])),
        "unstable",
    ),
    # articles: 3 orders of magnitude; more than half of the values 0
    (
        articles.judge,
        case(layers=layers(weight_gradient_l2=[0.9e-3, 1, 1, 1])),
        case(layers=layers(weight_gradient_l2=[1.1e-3, 1, 1, 1])),
        "vanishing",
    ),
    (
        articles.judge,
        case(layers=layers(weight_gradient_l2=[1.1e3, 1, 1, 1])),
        case(layers=layers(weight_gradient_l2=[0.9e3, 1, 1, 1])),
        "exploding",
    ),
    (
        articles.judge,
        case(layers=layers(zero_fraction=[0, 0.51, 0, 0])),
        case(layers=layers(zero_fraction=[0, 0.5, 0, 0])),
        "dead units",
    ),
]


@pytest.mark.parametrize(("judge", "beyond", "before", "verdict"), VALUES)
def test_each_threshold_lies_where_its_source_has_it(
    judge: Callable[[Case], list[Verdict]], beyond: Case, before: Case, verdict: Verdict
) -> None:
    assert judge(beyond) == [verdict]
    assert verdict not in judge(before)


VANISHED = layers(weight_gradient_l2=[1e-6, 1, 1, 1])


def test_autotrainer_says_nothing_of_gradients_while_a_training_converges() -> None:
    assert autotrainer.judge(case(LEARNING, VANISHED)) == []


def test_autotrainer_waits_for_a_third_of_the_epochs() -> None:
    # Checks after epochs 0, 3, 6, 9 and the last one. At epoch 0 of 10, a tenth is done, and .1 is no convergence; at
    # epoch 3 four tenths are, and .7 is reached.
    assert autotrainer.judge(case(LEARNING, VANISHED)) == []
    assert autotrainer.judge(case(SLOWER, VANISHED)) == ["vanishing"]


def test_autotrainer_looks_at_the_gradient_as_it_is_at_the_check() -> None:
    # After epoch 3, step 39, .7 is not reached; after epoch 6 it is, and nothing counts any more.
    at_the_check = stages([9, 19, 29], HEALTHY_LAYER) + stages([39], HEALTHY_LAYER, weight_gradient_l2=[1e-6, 1, 1, 1])
    assert autotrainer.judge(case(SLOWER, at_the_check)) == ["vanishing"]
    after_it = stages(ENDS[:4], HEALTHY_LAYER) + stages([49], HEALTHY_LAYER, weight_gradient_l2=[1e-6, 1, 1, 1])
    assert autotrainer.judge(case(SLOWER, after_it)) == []


def test_autotrainer_prefers_dying_relu_to_exploding_to_vanishing() -> None:
    zeros = probes(zero_gradient_fraction=0.8)
    assert autotrainer.judge(case(STUCK, VANISHED, zeros)) == ["dead units"]


def test_autotrainer_calls_a_training_slow_that_gains_less_than_a_hundredth_an_epoch() -> None:
    assert autotrainer.judge(case([0.1 + 0.009 * epoch for epoch in range(10)])) == ["plateau"]
    assert autotrainer.judge(case([0.1 + 0.011 * epoch for epoch in range(10)])) == []


def test_autotrainer_sees_an_accuracy_that_swings() -> None:
    assert autotrainer.judge(case([0.71, 0.9, 0.8, 0.9, 0.8, 0.9, 0.8, 0.9, 0.8, 0.9])) == ["unstable"]
    assert autotrainer.judge(case([0.71, 0.9, 0.88, 0.9, 0.88, 0.9, 0.88, 0.9, 0.88, 0.9])) == []


def test_autotrainer_takes_a_loss_of_1e5_for_an_explosion() -> None:
    assert autotrainer.judge(case(loss=[1.0] * 9 + [1.1e5])) == ["exploding"]
    assert autotrainer.judge(case(loss=[1.0] * 9 + [0.9e5])) == []


def test_deepdiagnosis_ends_at_the_first_error() -> None:
    rows = stages([9], HEALTHY_PROBE) + stages([19], HEALTHY_PROBE, weight_gradient_mean=0.0)
    broken = stages([9], HEALTHY_LAYER) + stages([19, 29], HEALTHY_LAYER, nonfinite_activations=1)
    assert deepdiagnosis.judge(case(probes=rows, layers=broken)) == ["exploding"]
    later = stages([9, 19], HEALTHY_LAYER) + stages([29], HEALTHY_LAYER, nonfinite_activations=1)
    assert deepdiagnosis.judge(case(probes=rows, layers=later)) == ["vanishing"]


def test_deepdiagnosis_looks_for_dead_nodes_at_the_end_only() -> None:
    dead = probes(nonpositive_fraction=0.8)
    assert deepdiagnosis.judge(case(probes=dead)) == ["dead units"]
    assert deepdiagnosis.judge(case(probes=dead, state="running")) == []
    before = stages([9], HEALTHY_PROBE, nonpositive_fraction=0.8) + stages([19], HEALTHY_PROBE)
    assert deepdiagnosis.judge(case(probes=before)) == []


def test_deepdiagnosis_looks_for_saturation_every_fifth_time() -> None:
    flat = {"large_input_fraction": 0.9, "boundary_mean": 0.9}
    assert deepdiagnosis.judge(case(LEARNING[:4], probes=stages(ENDS[:4], HEALTHY_PROBE, **flat))) == []
    assert deepdiagnosis.judge(case(LEARNING[:5], probes=stages(ENDS[:5], HEALTHY_PROBE, **flat))) == ["saturated"]


def test_deepdiagnosis_calls_five_equal_losses_no_decrease() -> None:
    assert deepdiagnosis.judge(case(loss=[2.0, 1.5, *[1.0] * 5, 0.9, 0.8, 0.7])) == ["plateau"]
    assert deepdiagnosis.judge(case(loss=[2.0, 1.5, *[1.0] * 4, 0.9, 0.8, 0.7, 0.6])) == []


def test_deepdiagnosis_compares_an_epoch_that_is_not_over_as_far_as_it_went() -> None:
    """Four epochs at 1.0; of the fifth, 1.0 up to its sixth step, where it looks, and .5 afterwards."""
    made = case(loss=[1.0] * 5, accuracy=LEARNING[:5], probes=stages([45], HEALTHY_PROBE))
    loss = np.array(made.tables["steps"]["loss"])
    loss[46:] = 0.5
    assert deepdiagnosis.judge(Case({**made.tables, "steps": {**made.tables["steps"], "loss": loss}})) == ["plateau"]
    loss[45] = 0.5
    assert deepdiagnosis.judge(Case({**made.tables, "steps": {**made.tables["steps"], "loss": loss}})) == []


def test_deepdiagnosis_cuts_no_case_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting one takes as long as it has steps: 1000 looks at 10,000 steps were 10 million."""
    cut: list[int] = []
    added_up: list[Case] = []
    monkeypatch.setattr(Case, "until", lambda self, step: cut.append(step) or self)
    monkeypatch.setattr(deepdiagnosis, "epochs", lambda of: added_up.append(of) or tables.epochs(of))
    made = case(np.linspace(0.1, 0.9, 1000).tolist(), probes=stages(range(0, 10_000, 10), HEALTHY_PROBE))
    assert deepdiagnosis.judge(made) == []
    assert (len(cut), len(added_up)) == (0, 1)


def test_a_mean_output_of_exactly_0_is_a_numerical_error_of_deepdiagnosis() -> None:
    assert deepdiagnosis.judge(case(layers=layers(activation_mean=[0.3, 0.0, 0.3, 0.3]))) == ["dead units"]


def test_a_relu_cannot_be_saturated_nor_a_tanh_dead() -> None:
    flat = probes(large_input_fraction=1.0, extreme_input_fraction=1.0)
    silent = probes(rare_units=1.0, faint_units=1.0, nonpositive_fraction=1.0, boundary_mean=0.5)
    for judge in (deepdiagnosis.judge, sagemaker.judge, deepchecker.judge):
        assert judge(case(probes=flat)) == []
        assert judge(case(probes=silent)) == []


def test_sagemaker_tells_all_that_fired_once_in_the_order_of_the_steps() -> None:
    rows = stages([9], HEALTHY_PROBE) + stages([19, 29], HEALTHY_PROBE, rare_units=1.0)
    updates = stages([9, 19, 29], HEALTHY_LAYER) + stages([39], HEALTHY_LAYER, update_ratio=1e-9)
    assert sagemaker.judge(case(probes=rows, layers=updates)) == ["dead units", "update too small"]
    earlier = stages([9], HEALTHY_LAYER, update_ratio=1e-9) + stages([19, 29], HEALTHY_LAYER)
    assert sagemaker.judge(case(probes=rows, layers=earlier)) == ["update too small", "dead units"]


def test_deepchecker_forgets_what_lies_more_than_ten_looks_back() -> None:
    early = stages(range(10), HEALTHY_LAYER, update_ratio=0.5) + stages(range(10, 20), HEALTHY_LAYER)
    assert deepchecker.judge(case(layers=early)) == []
    late = stages(range(10), HEALTHY_LAYER) + stages(range(10, 20), HEALTHY_LAYER, update_ratio=0.5)
    assert deepchecker.judge(case(layers=late)) == ["unstable"]


def test_deepchecker_averages_over_exactly_ten_looks() -> None:
    """One of 1 and nine of .001: .1009, above .1; with an eleventh look .0918, without the first .001."""

    def rows(after: int) -> list[dict[str, Any]]:
        return (
            stages([0], HEALTHY_LAYER)
            + stages([1], HEALTHY_LAYER, update_ratio=1.0)
            + stages(range(2, 2 + after), HEALTHY_LAYER)
        )

    assert deepchecker.judge(case(layers=rows(9))) == ["unstable"]
    assert deepchecker.judge(case(layers=rows(10))) == []


def test_deepchecker_judges_means() -> None:
    once = stages([9], HEALTHY_LAYER, update_ratio=0.5) + stages(ENDS[1:], HEALTHY_LAYER)
    assert deepchecker.judge(case(layers=once)) == []  # .05 on the average


def test_an_epoch_is_the_mean_of_its_steps() -> None:
    losses = [1.0, 2.0, 3.0, 4.0, 6.0]
    rows = [{"step": n, "epoch": n // 2, "loss": loss, "accuracy": loss / 10} for n, loss in enumerate(losses)]
    loss, accuracy, ends = tables.epochs(Case({**empty_tables(), "steps": table("steps", rows)}))
    assert loss.tolist() == [1.5, 3.5, 6.0]
    assert accuracy.tolist() == pytest.approx([0.15, 0.35, 0.6])
    assert ends.tolist() == [1, 3, 4]


def test_a_run_that_diverged_has_lost_its_loss_though_the_last_one_on_record_is_finite() -> None:
    assert articles.judge(case(state="diverged")) == ["exploding"]


def test_articles_look_at_the_last_picture() -> None:
    rows = stages([9], HEALTHY_LAYER, weight_gradient_l2=[1e-6, 1, 1, 1]) + stages([19], HEALTHY_LAYER)
    assert articles.judge(case(layers=rows)) == []


def test_autotrainer_calls_broken_gradients_an_explosion_whatever_the_accuracy() -> None:
    assert autotrainer.judge(case(layers=layers(nonfinite_weight_gradients=[0, 1, 0, 0]))) == ["exploding"]
