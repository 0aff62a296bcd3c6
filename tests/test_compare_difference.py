"""Two runs side by side: the first place at which they part, counted by hand."""

import dataclasses

import pytest

from tests.made_runs import ENVIRONMENT, layer_rows, mlp_config
from vgp_bench.compare.difference import difference
from vgp_bench.records.identity import run_id
from vgp_bench.records.reading import read_run
from vgp_bench.records.rows import EpochRow, StepRow
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.records.summary import Summary
from vgp_bench.report.tables.difference import render_difference


def a_run(results, config, losses=(), accuracies=(), layers=(), environment=ENVIRONMENT):
    path = run_path(results, "made", run_id(config))
    store = RunStore(path)
    store.begin(config, {"architecture": "mlp"}, environment)
    for step, loss in enumerate(losses):
        store.append(StepRow(step, 0, 0.1, loss, 0.5, 1.0, 0.0))
    for epoch, accuracy in enumerate(accuracies):
        store.append(EpochRow(epoch, 10 * epoch, 1.0, 0.5, 1.0, accuracy, 100.0, 1.0))
    for row in layers:
        store.append(row)
    store.flush()
    store.finish("completed", Summary(parameters=5, epochs=1, steps=len(losses), test_accuracy=accuracies[-1]))
    return read_run(path)


def test_where_curves_part(tmp_path):
    a = a_run(tmp_path, mlp_config(0), [2.0, 1.0, 1.0, 1.0], [0.5, 0.600, 0.7],
              [*layer_rows([1.0, 1.0]), *layer_rows([1.0, 1.0], step=5)])  # fmt: skip
    b = a_run(tmp_path, mlp_config(1), [2.0, 1.005, 1.02, 1.0, 7.0], [0.5, 0.605, 0.72],
              [*layer_rows([1.0, 1.05]), *layer_rows([1.0, 1.2], step=5)])  # fmt: skip
    found = difference(a, b)
    exactly, percent, accuracy, gradient = found.partings.values()
    assert (exactly.where, exactly.values, exactly.compared) == ("step 1", (1.0, 1.005), 4)
    assert (percent.where, percent.values) == ("step 2", (1.0, 1.02))
    assert (accuracy.where, accuracy.values) == ("pass 2", (0.7, 0.72))
    assert (gradient.where, gradient.values) == ("step 5, stage 1 (depth 2)", (1.0, 1.2))
    assert found.config == {"seed": (0, 1)}
    assert found.environment == {}
    assert found.notes == []
    text = render_difference(found, ("a", "b"))
    assert "training loss, exactly                     step 1: 1 and 1.005" in text
    assert "the same code, torch and device" in text


def test_equal_runs_part_nowhere_also_where_both_are_nan(tmp_path):
    nan = float("nan")
    a, b = (a_run(tmp_path, mlp_config(s), [2.0, nan], [0.5], layer_rows([0.0, float("inf")])) for s in (0, 1))
    found = difference(a, b)
    assert all(parting.where is None and parting.compared for parting in found.partings.values())
    assert "nowhere in the 2 values that both have" in render_difference(found, ("a", "b"))


def test_a_loss_that_becomes_nan_in_one_run_parts(tmp_path):
    a, b = (a_run(tmp_path, mlp_config(s), [2.0, v], [0.5]) for s, v in ((0, 1.0), (1, float("nan"))))
    exactly, percent, _, gradient = difference(a, b).partings.values()
    assert exactly.where == percent.where == "step 1"
    assert gradient.compared == 0
    assert "nothing to compare" in render_difference(difference(a, b), ("a", "b"))


def test_other_depths_environments_and_keys(tmp_path):
    other = ENVIRONMENT | {"device": "cuda:0"}
    a = a_run(tmp_path, mlp_config(0, 2), [1.0], [0.5], layer_rows([1.0, 1.0]))
    b = a_run(tmp_path, mlp_config(0, 3, extra=None), [1.0], [0.9], layer_rows([1.0, 5.0, 2.0]), other)
    found = difference(a, b)
    assert found.config == {"architecture.depth": (2, 3), "extra": ("-", None)}
    assert found.environment == {"device": ("cpu", "cuda:0")}
    assert list(found.partings.values())[3].where == "step 0, the last stage"
    assert found.notes == [
        "the networks have 2 and 3 hidden stages: of the gradients only the first and the last stage are compared"
    ]
    assert found.summary["test_accuracy"] == (0.5, 0.9)
    assert "test_loss" not in found.summary


@pytest.mark.parametrize(("accuracy", "parts"), [(0.51, False), (0.5101, True), (0.4899, True)])
def test_one_point_is_not_more_than_one_point(tmp_path, accuracy, parts):
    a, b = (a_run(tmp_path, mlp_config(s), [1.0], [v]) for s, v in ((0, 0.5), (1, accuracy)))
    assert (list(difference(a, b).partings.values())[2].where is not None) == parts
    assert dataclasses.is_dataclass(difference(a, b))
