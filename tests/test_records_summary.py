"""Summary: what the tables say at the end, to strict JSON and back."""

import json
import math
from dataclasses import asdict, fields

import numpy as np
import pytest

from tests.made_runs import layer_rows
from vgp_bench.records.columns import columns_document
from vgp_bench.records.rows import TABLES, EpochRow, LayerRow
from vgp_bench.records.summary import Summary, summarize


def columns(row_type, rows):
    return {f.name: np.array([getattr(row, f.name) for row in rows]) for f in fields(row_type)}


def test_json_is_strict_and_comes_back_the_same():
    summary = Summary(parameters=7, epochs=2, steps=3, train_loss=math.inf, test_accuracy=0.1 + 0.2)
    text = json.dumps(summary.as_json(), allow_nan=False)
    assert json.loads(text)["test_loss"] is None
    back = asdict(Summary.from_json(json.loads(text)))
    for name, value in asdict(summary).items():
        assert back[name] == value or (math.isnan(back[name]) and math.isnan(value)), name


def test_file_of_another_version_is_read_as_far_as_it_goes():
    summary = Summary.from_json({"parameters": 7, "epochs": 1, "steps": 2, "invented_later": 1})
    assert summary.parameters == 7
    assert math.isnan(summary.seconds)


def test_file_that_is_no_summary_is_refused():
    with pytest.raises(KeyError):
        Summary.from_json({"depth": 3})


def test_summarize_reads_last_best_and_mean_rate():
    epochs = [
        EpochRow(0, 10, 2.0, 0.3, 1.9, 0.4, images_per_second=100.0, seconds=10.0),
        EpochRow(1, 20, 1.0, 0.6, 1.5, 0.7, images_per_second=300.0, seconds=12.0),
        EpochRow(2, 25, 0.9, 0.65, 1.6, 0.7, images_per_second=100.0, seconds=20.0),
    ]
    summary = summarize(
        columns(EpochRow, epochs),
        columns(LayerRow, layer_rows([0.1, 1.0])),
        parameters=50,
        steps=25,
        seconds=21.0,
        test_loss=1.7,
        test_accuracy=0.68,
    )
    assert (summary.parameters, summary.epochs, summary.steps, summary.seconds) == (50, 3, 25, 21.0)
    assert (summary.train_loss, summary.train_accuracy) == (0.9, 0.65)
    assert (summary.validation_loss, summary.validation_accuracy) == (1.6, 0.7)
    assert (summary.best_validation_accuracy, summary.best_validation_epoch) == (0.7, 1)
    assert (summary.test_loss, summary.test_accuracy) == (1.7, 0.68)
    assert summary.images_per_second == pytest.approx((100 * 10 + 300 * 2 + 100 * 8) / 20)
    assert summary.initial_gradient_ratio == pytest.approx(0.1)
    assert math.isnan(summary.peak_memory_bytes)


def test_run_without_a_pass_or_a_validation_has_no_best():
    empty = summarize(columns(EpochRow, []), columns(LayerRow, []), parameters=1, steps=0, seconds=0.0)
    assert math.isnan(empty.train_loss)
    assert math.isnan(empty.images_per_second)
    one = EpochRow(0, 1, 1.0, 0.5, math.nan, math.nan, 1.0, 1.0)
    without = summarize(columns(EpochRow, [one]), columns(LayerRow, []), parameters=1, steps=1, seconds=1.0)
    assert math.isnan(without.best_validation_epoch)


def test_document_of_columns_is_up_to_date(request):
    document = columns_document()
    committed = (request.config.rootpath / "docs" / "columns.md").read_text(encoding="utf-8")
    assert committed == document, "run: python -m vgp_bench.records.columns > docs/columns.md"
    for row_type in (*TABLES.values(), Summary):
        for f in fields(row_type):
            assert f"| `{f.name}` | {f.metadata['unit']} |" in document
            assert f.metadata["definition"]
