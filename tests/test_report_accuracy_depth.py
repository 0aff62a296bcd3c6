"""Accuracy against depth: means and intervals by hand, lost runs told, plain and residual in one panel."""

import math

import pytest

from tests.drawn import drawn, ink, legend_of, lines_of, notes_of, title_of, told
from tests.made_runs import make_run, mlp_config
from vgp_bench.errors import ResultsError
from vgp_bench.report.drawing.style import COLOURS
from vgp_bench.report.plots.accuracy_depth import KIND


def run(folder, accuracy, depth, seed=0, residual=False, state="completed", **figures):
    config = mlp_config(seed, depth)
    if residual:
        config["architecture"]["_target_"] = "x.Residual"
    words = {"architecture": "residual" if residual else "plain", "activation": "relu"}
    if not math.isnan(accuracy):
        figures = {"test_accuracy": accuracy, **figures}
    return make_run(folder, config, words, state=state, **figures)


def intervals(figure):
    """Lowest and highest point of each error bar, by line."""
    bars = [c for c in figure.axes[0].collections if hasattr(c, "get_segments")]
    return [[(segment[0][1], segment[1][1]) for segment in bar.get_segments()] for bar in bars]


def test_plain_and_residual_stand_in_one_panel(tmp_path):
    for depth, plain, residual in ((20, 0.9, 0.91), (56, 0.5, 0.93)):
        for seed, more in enumerate((-0.02, 0.0, 0.02)):
            run(tmp_path, plain + more, depth, seed, chance_accuracy=0.1)
            run(tmp_path, residual, depth, seed, residual=True, chance_accuracy=0.1)
    figure = drawn(KIND, tmp_path)
    (ax,) = figure.axes
    plain, residual = lines_of(figure)
    assert list(plain.get_xdata()) == list(residual.get_xdata()) == [20, 56]
    assert list(plain.get_ydata()) == pytest.approx([90.0, 50.0])
    assert list(residual.get_ydata()) == pytest.approx([91.0, 93.0])
    assert (plain.get_label(), residual.get_label()) == ("architecture=plain", "architecture=residual")
    assert (plain.get_color(), residual.get_color()) == COLOURS[:2]
    assert legend_of(figure) == ["architecture plain", "architecture residual", "chance: 10 %"]
    # Student's t at 2 degrees of freedom, 97.5 %: 4.303; the deviation of -2, 0, 2 is 2.
    half = 4.303 * 2 / math.sqrt(3)
    (low, high), _ = intervals(figure)[0]
    assert (low, high) == pytest.approx((90 - half, 90 + half), abs=0.01)
    assert [line.get_ydata()[0] for line in lines_of(figure, "guide")] == [pytest.approx(10.0)]
    assert list(ax.get_xticks()) == [20, 56]
    assert figure.get_supylabel() == "test accuracy, %"
    assert "depth" in figure.get_supxlabel()
    assert title_of(figure) == "Test accuracy against depth, mean and 95 % interval of 3 seeds"
    assert ink(figure, tmp_path, COLOURS[1]) > 500


def test_two_seeds_have_a_range_and_one_has_none(tmp_path):
    run(tmp_path, 0.2, 10, 0)
    run(tmp_path, 0.4, 10, 1)
    run(tmp_path, 0.5, 30, 0)
    figure = drawn(KIND, tmp_path)
    assert intervals(figure) == [[pytest.approx((20.0, 40.0)), pytest.approx((50.0, 50.0))]]
    assert title_of(figure) == "Test accuracy against depth, mean and range of 1 to 2 seeds"


def test_runs_that_did_not_complete_are_counted_at_the_bottom(tmp_path):
    run(tmp_path, 0.9, 10)
    run(tmp_path, 0.99, 30, 0, state="diverged")  # what it had when it broke is no result
    run(tmp_path, math.nan, 30, 1, state="diverged")
    run(tmp_path, 0.5, 30, 2)
    run(tmp_path, math.nan, 50, 0, state="failed")
    figure = drawn(KIND, tmp_path)
    (line,) = lines_of(figure)
    assert list(line.get_ydata()) == pytest.approx([90.0, 50.0])
    assert told(figure) == ["2 of 3 diverged", "1 of 1 unfinished"]
    assert [mark.get_xdata()[0] for mark in lines_of(figure, "lost")] == [30, 50]
    assert figure.axes[0].get_xlim()[1] > 50


def test_lost_runs_of_two_settings_at_one_depth_do_not_cover_each_other(tmp_path):
    run(tmp_path, 0.9, 10)
    run(tmp_path, math.nan, 30, state="diverged")
    run(tmp_path, math.nan, 30, residual=True, state="diverged")
    one, other = lines_of(drawn(KIND, tmp_path), "lost")
    assert one.get_ydata()[0] < other.get_ydata()[0]


def test_accuracies_far_above_chance_fill_the_panel(tmp_path):
    run(tmp_path, 0.91, 10, chance_accuracy=0.1)
    run(tmp_path, 0.93, 30, chance_accuracy=0.1)
    figure = drawn(KIND, tmp_path)
    assert 70 < figure.axes[0].get_ylim()[0] < 91
    assert lines_of(figure, "guide") == []
    assert legend_of(figure) == ["chance: 10 %, below the axis"]


def test_without_test_data_the_axis_says_validation(tmp_path):
    run(tmp_path, math.nan, 10, validation_accuracy=0.3)
    run(tmp_path, math.nan, 30, validation_accuracy=0.4)
    figure = drawn(KIND, tmp_path)
    assert list(lines_of(figure)[0].get_ydata()) == pytest.approx([30.0, 40.0])
    assert figure.get_supylabel() == "validation accuracy, %"


def test_one_depth_or_no_accuracy_is_one_line(tmp_path):
    run(tmp_path, 0.5, 10)
    run(tmp_path, 0.5, 10, residual=True)
    with pytest.raises(ResultsError, match=r"the same architecture\.depth; name runs of two depths at least"):
        drawn(KIND, tmp_path)
    run(tmp_path / "b", math.nan, 10, state="diverged")
    with pytest.raises(ResultsError, match="no completed run has an accuracy"):
        drawn(KIND, tmp_path / "b")


def test_architectures_without_a_depth_are_named(tmp_path):
    run(tmp_path, 0.5, 10)
    run(tmp_path, 0.6, 20)
    config = mlp_config()
    config["architecture"] = {"_target_": "x.Lenet"}
    make_run(tmp_path, config, {"architecture": "lenet", "activation": "relu"}, test_accuracy=0.99)
    assert notes_of(drawn(KIND, tmp_path)) == ["no depth: architecture=lenet"]
