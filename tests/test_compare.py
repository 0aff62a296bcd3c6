"""Comparisons: the statistics by hand, and no run mixed, dropped or counted twice in silence."""

import copy
import math

import pytest

from tests.made_runs import ENVIRONMENT, layer_rows, make_run, mlp_config
from vgp_bench.compare import compare, estimate
from vgp_bench.errors import ResultsError
from vgp_bench.records.identity import settled
from vgp_bench.records.reading import find_runs

# Student's t, 97.5 % quantile, from any printed table: 2 and 4 degrees of freedom.
T2, T4 = 4.303, 2.776


def test_interval_of_three_values():
    e = estimate([1.0, 2.0, 3.0])  # standard deviation 1
    assert e == pytest.approx((3, 2.0, 2 - T2 / math.sqrt(3), 2 + T2 / math.sqrt(3)), rel=1e-3)


def test_interval_of_five_values():
    e = estimate([2.0, 4.0, 4.0, 4.0, 6.0])  # squares of deviations 4 + 4 = 8, variance 8 / 4 = 2
    half = T4 * math.sqrt(2) / math.sqrt(5)
    assert e == pytest.approx((5, 4.0, 4 - half, 4 + half), rel=1e-3)


def test_two_values_have_a_range_and_one_has_nothing():
    assert estimate([0.5, 0.9]) == (2, pytest.approx(0.7), 0.5, 0.9)
    n, mean, low, high = estimate([0.5])
    assert (n, mean) == (1, 0.5)
    assert math.isnan(low)
    assert math.isnan(high)


def test_one_factor_has_no_interval_either():
    n, mean, low, high = estimate([0.5], geometric=True)
    assert (n, mean) == (1, pytest.approx(0.5))
    assert math.isnan(low)
    assert math.isnan(high)


def test_unmeasured_values_reduce_n():
    assert estimate([math.nan, 0.5, 0.9, math.nan]).n == 2
    assert estimate([math.nan]).n == 0
    assert math.isnan(estimate([]).mean)


def test_factors_are_averaged_on_the_logarithm():
    e = estimate([1e-4, 1e-2], geometric=True)
    assert e == pytest.approx((2, 1e-3, 1e-4, 1e-2))
    e = estimate([1.0, math.e, math.e**2], geometric=True)
    assert e == pytest.approx((3, math.e, math.exp(1 - T2 / math.sqrt(3)), math.exp(1 + T2 / math.sqrt(3))), rel=2e-3)


def test_a_zero_factor_makes_the_mean_zero_and_infinity_infinite():
    assert estimate([0.0, 0.5], geometric=True) == (2, 0.0, 0.0, 0.5)
    assert estimate([math.inf, 0.5], geometric=True).mean == math.inf
    assert math.isnan(estimate([math.inf, 0.0], geometric=True).mean)
    wide = estimate([1e-300, 1.0, 1e300], geometric=True)
    assert (wide.mean, wide.high) == (pytest.approx(1.0), math.inf)


def value(comparison, group, figure):
    return comparison.estimates.loc[(group, figure)]


def test_groups_are_configs_and_seeds_are_averaged(tmp_path):
    for depth, accuracies in ((20, [0.5, 0.6, 0.7]), (3, [0.9])):
        for seed, accuracy in enumerate(accuracies):
            make_run(tmp_path, mlp_config(seed, depth), test_accuracy=accuracy, initial_gradient_ratio=10.0**-seed)
    comparison = compare(find_runs([tmp_path]))
    assert comparison.settings == ["architecture.depth"]
    assert comparison.groups["architecture.depth"].tolist() == [3, 20]  # by size, not as text
    assert comparison.groups["n"].tolist() == [1, 3]
    assert value(comparison, 1, "test_accuracy")["mean"] == pytest.approx(0.6)
    assert value(comparison, 1, "test_accuracy")["high"] == pytest.approx(0.6 + T2 * 0.1 / math.sqrt(3), rel=1e-3)
    assert value(comparison, 1, "initial_gradient_ratio")["mean"] == pytest.approx(0.1)
    assert value(comparison, 1, "train_accuracy")["n"] == 0
    assert len(comparison.runs) == 4
    assert set(comparison.runs.columns) >= {metric.name for metric in comparison.metrics}
    assert [comparison.name(group) for group in (0, 1)] == ["architecture.depth=3", "architecture.depth=20"]
    assert comparison.notes == []


def test_every_single_key_of_a_config_keeps_groups_apart(tmp_path):
    base = mlp_config(extra={"list": [1, 2]}, note=None)
    configs = [base]
    for dotted in settled(base, without=("seed",)):
        changed = copy.deepcopy(base)
        *path, last = dotted.split(".")
        place = changed
        for part in path:
            place = place[part]
        place[last] = "x.Changed"
        configs.append(changed)
    words = {"architecture": "mlp", "activation": "relu", "optimizer": "sgd"}  # the same words for all
    for config in configs:
        for seed in (0, 1):
            make_run(tmp_path, config | {"seed": seed}, words, test_accuracy=0.5)
    comparison = compare(find_runs([tmp_path]))
    assert comparison.groups["n"].tolist() == [2] * len(configs)
    shown = comparison.groups[comparison.settings].map(str).apply(tuple, axis=1)
    assert shown.nunique() == len(configs)


def test_same_config_reached_by_different_words_is_one_group(tmp_path):
    make_run(tmp_path, mlp_config(0), {"architecture": "mlp", "activation": "relu"}, test_accuracy=0.5)
    make_run(tmp_path, mlp_config(1), {"architecture": "mlp3", "activation": "relu"}, test_accuracy=0.7)
    comparison = compare(find_runs([tmp_path]))
    assert comparison.groups["n"].tolist() == [2]
    assert comparison.constants["architecture"] == "mlp|mlp3"


def test_unfinished_runs_are_counted_and_only_their_initialization_is_used(tmp_path):
    layers = layer_rows([1e-6, 1e-3, 1.0])
    make_run(tmp_path, mlp_config(0), test_accuracy=0.8, initial_gradient_ratio=1e-4)
    make_run(tmp_path, mlp_config(1), state="diverged", test_accuracy=0.1, initial_gradient_ratio=1e-8)
    make_run(tmp_path, mlp_config(2), state="failed", layers=layers)
    make_run(tmp_path, mlp_config(3), state="interrupted")
    make_run(tmp_path, mlp_config(4), state="running", layers=layers)
    comparison = compare(find_runs([tmp_path]))
    row = comparison.groups.loc[0]
    assert [row[s] for s in ("n", "completed", "diverged", "failed", "interrupted", "running")] == [1] * 6
    assert value(comparison, 0, "test_accuracy")["mean"] == 0.8
    ratio = value(comparison, 0, "initial_gradient_ratio")
    assert ratio["n"] == 4
    assert ratio["mean"] == pytest.approx(1e-6)  # of 1e-4, 1e-8, 1e-6, 1e-6
    assert value(comparison, 0, "initial_decay_per_layer")["mean"] == pytest.approx(1e-3)


def test_seed_run_twice_counts_once_and_is_told(tmp_path):
    make_run(tmp_path, mlp_config(0, experiment_name="a"), state="failed", test_accuracy=0.1)
    make_run(tmp_path, mlp_config(0, experiment_name="b"), test_accuracy=0.8)
    make_run(tmp_path, mlp_config(1, experiment_name="b"), test_accuracy=0.6)
    comparison = compare(find_runs([tmp_path]))
    assert comparison.groups.loc[0, "n"] == 2
    assert comparison.groups.loc[0, "failed"] == 1
    assert value(comparison, 0, "test_accuracy")["mean"] == pytest.approx(0.7)
    assert comparison.runs["counted"].tolist() == [False, True, True]
    assert comparison.notes == ["all runs: seed 0 (2 runs) counted once: the latest completed run"]


def test_mixed_code_versions_and_devices_are_told(tmp_path):
    other = ENVIRONMENT | {"device": "cuda:0", "code": {"commit": "fedcba9876543210", "dirty": True}}
    make_run(tmp_path, mlp_config(0), test_accuracy=0.5)
    make_run(tmp_path, mlp_config(1), test_accuracy=0.5)
    make_run(tmp_path, mlp_config(2), test_accuracy=0.5, environment=other)
    assert compare(find_runs([tmp_path])).notes == [
        "mixed code: 0.1.0 0123456789 (2 runs), 0.1.0 fedcba9876 with changes (1 run)",
        "mixed device: cpu (2 runs), cuda:0 (1 run)",
    ]


def test_damaged_runs_are_told(tmp_path):
    make_run(tmp_path, mlp_config(0), test_accuracy=0.5)
    bad = make_run(tmp_path, mlp_config(1), test_accuracy=0.5)
    (bad / "summary.json").write_text("{")
    comparison = compare(find_runs([tmp_path]))
    assert comparison.groups["n"].tolist() == [1]
    assert len(comparison.notes) == 1
    assert str(bad) in comparison.notes[0]
    with pytest.raises(ResultsError, match="damaged"):
        compare(find_runs([bad]))


def test_damaged_layer_table_of_an_unfinished_run_is_told(tmp_path):
    path = make_run(tmp_path, mlp_config(0), state="failed", layers=layer_rows([1.0, 2.0]))
    (path / "layers.parquet").write_bytes(b"PAR1")
    comparison = compare(find_runs([tmp_path]))
    assert "layers.parquet" in comparison.notes[0]
    assert value(comparison, 0, "initial_gradient_ratio")["n"] == 0


def test_nothing_to_compare():
    with pytest.raises(ResultsError, match="no runs"):
        compare([])


def test_a_run_that_went_on_with_other_code_is_told(tmp_path):
    later = {"step": 5, **ENVIRONMENT, "code": {"commit": "fedcba9876543210", "dirty": False}}
    make_run(tmp_path, mlp_config(0), test_accuracy=0.5, environment=ENVIRONMENT | {"resumed": [later]})
    make_run(tmp_path, mlp_config(1), test_accuracy=0.5, environment=ENVIRONMENT | {"resumed": [ENVIRONMENT]})
    (note,) = compare(find_runs([tmp_path])).notes
    assert note.startswith("begun and gone on with by different code, torch, device or CPU threads: ")
    assert "more" not in note  # the other one went on in the same environment


@pytest.mark.parametrize(("device", "told"), [("cpu", True), ("cuda: a card", False)])
def test_a_run_that_went_on_with_other_threads_is_told_runs_that_differ_in_them_are_not(tmp_path, device, told):
    one, two = (ENVIRONMENT | {"device": device, "threads": threads} for threads in (1, 2))
    make_run(tmp_path, mlp_config(0), test_accuracy=0.5, environment=one)
    make_run(tmp_path, mlp_config(1), test_accuracy=0.5, environment=two)
    assert compare(find_runs([tmp_path])).notes == []
    path = make_run(tmp_path, mlp_config(2), test_accuracy=0.5, environment=one | {"resumed": [two]})
    words = f"begun and gone on with by different code, torch, device or CPU threads: {path.name}"
    assert compare(find_runs([tmp_path])).notes == ([words] if told else [])
