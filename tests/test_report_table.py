"""The table: right figures in right columns, never wider than the terminal, nothing dropped in silence."""

import math
import re

import pytest

from tests.made_runs import make_run, mlp_config
from vgp_bench.compare import Estimate, compare
from vgp_bench.records.reading import find_runs
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.formats import ASCII, UNICODE
from vgp_bench.report.tables.table import render


@pytest.fixture
def comparison(tmp_path):
    for depth in (3, 100):
        for activation in ("ReLU", "Sigmoid"):
            for seed in range(3):
                diverged = depth == 100 and activation == "ReLU" and seed == 2
                make_run(
                    tmp_path,
                    mlp_config(seed, depth, activation),
                    state="diverged" if diverged else "completed",
                    parameters=depth * 1000,
                    test_accuracy=0.97 + 0.01 * seed,
                    validation_accuracy=0.9,
                    train_accuracy=1.0,
                    seconds=100.0 + depth,
                    initial_gradient_ratio=10.0 ** -(depth / 10 + seed),
                    initial_decay_per_layer=0.408,
                    final_dead_fraction=0.125,
                )
    return compare(find_runs([tmp_path]))


@pytest.mark.parametrize(
    ("form", "estimate", "text"),
    [
        (formats.percent, (3, 0.978, 0.974, 0.982), "97.8 ±0.4"),
        (formats.percent, (2, 0.978, 0.974, 0.982), "97.8"),
        (formats.percent, (1, 0.978, math.nan, math.nan), "97.8"),
        (formats.percent, (0, math.nan, math.nan, math.nan), "-"),
        (formats.power, (1, 3.14e-12, math.nan, math.nan), "3.1e-12"),
        (formats.power, (3, 2e-12, 1e-12, 4e-12), "2.0e-12 ×÷2.0"),
        (formats.power, (3, 1e-12, 1e-16, 1e-8), "1.0e-12 ×÷1e+04"),
        (formats.power, (3, 0.0, 0.0, 0.5), "0"),
        (formats.power, (3, math.inf, math.nan, math.nan), "inf"),
        (formats.power, (1, 0.931, math.nan, math.nan), "0.93"),
        (formats.factor, (3, 0.4082, 0.4062, 0.4103), "0.408 ±0.002"),
        (formats.factor, (1, 3.2e-5, math.nan, math.nan), "3.2e-05"),
        (formats.whole, (3, 1234567.0, 1234567.0, 1234567.0), "1,234,567"),
        (formats.seconds, (3, 131.7, 1.0, 2.0), "132"),
        (formats.seconds, (1, 3.14, 1.0, 2.0), "3.1"),
    ],
)
def test_cells(form, estimate, text):
    assert formats.cell(Estimate(*estimate), form, UNICODE) == text


def test_wide_table_shows_everything(comparison):
    lines = render(comparison, 220).splitlines()
    assert lines[0] == "all runs:  architecture=mlp  optimizer=SGD  optimizer.lr=0.1"
    rule = next(i for i, line in enumerate(lines) if line.startswith("──"))
    header = [re.split(r"\s{2,}", line.strip()) for line in lines[1:rule]]
    assert "grad ratio" in header[0]
    assert header[-1][:3] == ["depth", "activation", "n"]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[rule + 1 : rule + 5]]
    assert [row[:3] for row in rows] == [
        ["3", "relu", "3"],
        ["3", "sigmoid", "3"],
        ["100", "relu", "2"],
        ["100", "sigmoid", "3"],
    ]
    # mean .98, standard deviation .01, t = 4.303: 4.303 * .01 / sqrt(3) = .0248; a factor of 10 ** 2.48 each way
    assert rows[0][3:] == ["98.0 ±2.5", "90.0 ±0.0", "100.0 ±0.0", "5.0e-02 ×÷3e+02", "0.408 ±0.000", "12.5 ±0.0",
                           "0.0", "3,000", "103"]  # fmt: skip
    assert rows[2][3:5] == ["1 diverged", "97.5"]
    assert "@init also counts the runs that did not complete" in lines
    assert "not shown" not in render(comparison, 220)


@pytest.mark.parametrize("width", [160, 120, 100, 80, 60, 40, 30])
@pytest.mark.parametrize("signs", [UNICODE, ASCII])
def test_no_line_is_wider_than_the_terminal_and_what_is_missing_is_named(comparison, width, signs):
    text = render(comparison, width, signs)
    assert max(map(len, text.splitlines())) <= width
    measured = comparison.estimates.groupby("metric")["n"].sum()
    for metric in comparison.metrics:
        if not measured[metric.name]:
            continue
        header, name = metric.header, " ".join(metric.header)
        shown = header[0] in text.split("not shown")[0]
        assert shown or name in " ".join(text.split("not shown")[1].split())
    assert "1 diverged" in text  # never dropped
    if signs is ASCII:
        assert text.isascii()


def test_least_important_columns_go_first(comparison):
    dropped = []
    ranks = {" ".join(m.header): m.rank for m in comparison.metrics}
    for width in range(160, 40, -1):
        text = " ".join(render(comparison, width).split("-o FILE shows them): ")[-1].split())
        names = [n for n in (" ".join(m.header) for m in comparison.metrics) if n in text and "all runs" not in text]
        # One column less may make room only together with the next.
        dropped += sorted((n for n in names if n not in dropped), key=lambda name: -ranks[name])
    assert [ranks[name] for name in dropped] == sorted((ranks[name] for name in dropped), reverse=True)
    assert len(dropped) >= 5


def test_metrics_asked_for_by_name_stand_below_each_other(tmp_path):
    for depth in (2, 3):
        make_run(tmp_path, mlp_config(depth=depth), test_accuracy=0.5, initial_gradient_ratio=0.25, seconds=depth)
    names = ["test_accuracy", "initial_gradient_ratio", "final_dead_fraction", "seconds", "parameters"]
    comparison = compare(find_runs([tmp_path]), names)
    text = render(comparison, 30)
    assert max(map(len, text.splitlines())) <= 30
    assert "not shown" not in text
    rows = [line.split() for line in text.splitlines()]
    assert ["2", "1", "50.0", "0.25"] in rows
    assert ["3", "1", "3.0", "1,000"] in rows  # the settings stand in each table
    assert sum(row[:2] == ["depth", "n"] for row in rows) == 2


def test_a_mean_near_zero_keeps_its_interval(tmp_path):
    for seed, loss in enumerate((-0.1, 0.0, 0.1003)):
        make_run(tmp_path, mlp_config(seed), test_loss=loss)
    text = render(compare(find_runs([tmp_path]), ["test_loss"]), 80)
    assert "0.000 ±0.249" in text  # 4.303 * 0.1 / sqrt(3)


def test_settings_too_wide_become_numbered_rows_with_a_legend(comparison):
    lines = render(comparison, 30).splitlines()
    assert any(line.split()[:1] == ["row"] for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "row 2: architecture.depth=100, activation=relu" in text


def test_figure_that_some_runs_lack_says_of_how_many_it_is(tmp_path):
    for seed in range(3):
        figures = {"test_accuracy": 0.5} if seed == 0 else {"test_accuracy": math.nan}
        make_run(tmp_path, mlp_config(seed), train_accuracy=0.75, **figures)
    text = render(compare(find_runs([tmp_path])), 120)
    assert "50.0 (n=1)" in text
    assert "75.0 ±0.0" in text
    assert "not measured in any run: val acc %, best val acc %, steps to 90 %, grad ratio first/last @init" in text


def test_single_run_is_a_table_too(tmp_path):
    make_run(tmp_path, mlp_config(), test_accuracy=0.5)
    text = render(compare(find_runs([tmp_path])), 80)
    assert "50.0" in text
    assert "±" not in text
    assert "no interval below n = 3" in text


def test_equal_names_of_different_components_are_told_apart(tmp_path):
    for width in (8, 16):
        config = mlp_config()
        config["architecture"]["width"] = width
        config["optimizer"]["width"] = width
        make_run(tmp_path, config, test_accuracy=0.5)
    text = render(compare(find_runs([tmp_path])), 80)
    assert "architecture." in text
    assert "optimizer." in text


@pytest.mark.parametrize(
    ("encoding", "signs"), [("utf-8", UNICODE), ("ascii", ASCII), ("latin-1", ASCII), (None, ASCII)]
)
def test_signs_suit_the_encoding(encoding, signs):
    assert formats.signs_for(encoding) is signs


def test_width_and_signs_are_the_terminals_unless_given(comparison, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "64")
    assert render(comparison) == render(comparison, 64, UNICODE)
