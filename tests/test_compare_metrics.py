"""Metrics: every figure by its name, steps to an accuracy told honestly, shares without a false interval."""

import math
from dataclasses import fields

import pytest

from tests.made_runs import layer_row, make_run, mlp_config
from vgp_bench.compare import METRICS, compare, find_metric
from vgp_bench.errors import UserError
from vgp_bench.records.identity import run_id
from vgp_bench.records.reading import find_runs
from vgp_bench.records.rows import EpochRow
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.records.summary import Summary
from vgp_bench.report.tables.table import render


def run_with_epochs(results, config, accuracies, **settings):
    """10 steps a pass."""
    path = run_path(results, "made", run_id(config))
    store = RunStore(path)
    store.begin(config, {"architecture": "mlp", "activation": "relu"}, {})
    for epoch, accuracy in enumerate(accuracies):
        store.append(EpochRow(epoch, 10 * (epoch + 1), 1.0, 0.5, 1.0, accuracy, 100.0, 1.0))
    store.flush()
    store.finish(settings.get("state", "completed"), Summary(parameters=5, epochs=len(accuracies), steps=10))
    return path


def test_every_figure_of_a_summary_is_a_metric_with_unit_and_definition():
    for f in fields(Summary):
        metric = find_metric(f.name)
        assert metric.unit == f.metadata["unit"]
        assert f.metadata["definition"] in metric.definition
    assert METRICS["final_time_ratio"].geometric
    assert METRICS["initial_decay_per_step"].geometric
    assert not METRICS["initial_decay_r2"].geometric


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test_acuracy", r"no metric test_acuracy\. Did you mean test_accuracy"),
        ("decay_r2", r"Did you mean .*_decay_r2"),
        ("steps_to_x", r"no metric steps_to_x\."),
        ("steps_to_90", r"accuracy 90: steps are counted to an accuracy in \(0, 1\], say 0\.9"),
    ],
)
def test_unknown_metrics_are_one_line(name, message):
    with pytest.raises(UserError, match=message) as caught:
        find_metric(name)
    assert "\n" not in str(caught.value)


def test_steps_are_those_of_the_first_pass_that_reached_it_and_who_never_did_is_counted(tmp_path):
    run_with_epochs(tmp_path, mlp_config(0), [0.5, 0.9, 0.95])  # 20
    run_with_epochs(tmp_path, mlp_config(1), [0.5, 0.6, 0.7, 0.92, 0.2])  # 40
    run_with_epochs(tmp_path, mlp_config(2), [0.5, 0.6])  # never
    comparison = compare(find_runs([tmp_path]))
    e = comparison.estimates.loc[(0, "steps_to_0.9")]
    assert (e["n"], e["mean"], e["never"]) == (2, 30.0, 1)
    assert math.isnan(e["low"])
    assert comparison.runs["steps_to_0.9"].tolist() == [20.0, 40.0, math.inf]
    assert "30 (2 of 3)" in render(comparison, 200)
    assert "never (0 of 3)" in render(compare(find_runs([tmp_path]), reach=0.99), 200)
    assert compare(find_runs([tmp_path]), ["steps_to_0.5"]).estimates.loc[(0, "steps_to_0.5"), "mean"] == 10


def test_runs_that_did_not_complete_are_not_asked_when_they_reached_it(tmp_path):
    run_with_epochs(tmp_path, mlp_config(0), [0.9])
    run_with_epochs(tmp_path, mlp_config(1), [0.1, 0.9], state="diverged")
    e = compare(find_runs([tmp_path])).estimates.loc[(0, "steps_to_0.9")]
    assert (e["n"], e["mean"], e["never"]) == (1, 10.0, 0)


def test_many_tables_are_read_only_when_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("vgp_bench.compare.comparison.MANY_RUNS", 1)
    for seed in (0, 1):
        run_with_epochs(tmp_path, mlp_config(seed), [0.95])
    runs = find_runs([tmp_path])
    assert [note for note in compare(runs).notes if "--reach 0.9 asks for it" in note]
    assert "steps_to_0.9" not in compare(runs).runs
    assert compare(runs, reach=0.9).runs["steps_to_0.9"].tolist() == [10, 10]


def test_divergence_rate_counts_each_seed_once_and_has_no_interval(tmp_path):
    for seed, state in enumerate(["completed", "diverged", "completed", "completed", "failed", "interrupted"]):
        make_run(tmp_path, mlp_config(seed), state=state, test_accuracy=0.5)
    make_run(tmp_path, mlp_config(0, experiment_name="again"), state="diverged", test_accuracy=0.5)
    e = compare(find_runs([tmp_path])).estimates.loc[(0, "divergence_rate")]
    assert (e["n"], e["mean"]) == (4, 0.25)
    assert math.isnan(e["low"])


@pytest.mark.parametrize(
    ("chance", "shown"),
    [
        ({"chance_loss": 0.167, "chance_accuracy": 0.078}, True),  # squared error of the adding problem
        ({"chance_loss": 2.303, "chance_accuracy": 0.1}, False),  # ln 10
        ({"chance_loss": 0.6, "chance_accuracy": 0.7}, False),  # unequal classes: entropy .611, -ln .7 = .357
        ({}, False),
    ],
)
def test_the_loss_is_shown_where_it_is_another_question_than_the_accuracy(tmp_path, chance, shown):
    make_run(tmp_path, mlp_config(), test_accuracy=0.5, test_loss=0.1, **chance)
    assert ("test_loss" in compare(find_runs([tmp_path])).runs) == shown


def test_a_run_without_summary_still_tells_its_initialization(tmp_path):
    rows = [layer_row(kind="hidden", stage=i, depth=i + 1, activation_gradient_l2=10.0 ** (i - 2)) for i in range(3)]
    make_run(tmp_path, mlp_config(), state="failed", layers=rows)
    comparison = compare(find_runs([tmp_path]), ["initial_gradient_ratio"])
    assert comparison.estimates.loc[(0, "initial_gradient_ratio"), "mean"] == pytest.approx(0.01)
