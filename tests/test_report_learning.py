"""Learning curves: windows by hand, ends of runs, chance, words and ink."""

import math

import numpy as np
import pytest

from tests.composing import compose, names_on_disk
from tests.drawn import drawn, ink, legend_of, lines_of, notes_of, title_of
from tests.made_runs import make_run, mlp_config
from tests.made_tables import epoch_rows, make_tables, step_rows
from vgp_bench.errors import ResultsError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.style import COLOURS
from vgp_bench.report.plots.learning import KIND
from vgp_bench.report.series.learning_curves import POINTS, REGRESSIONS, learning, windowed

WORDS = {"architecture": "mlp", "activation": "relu"}
CHANCE = {"chance_accuracy": 0.1, "chance_loss": 2.0}


def run(folder, losses, accuracies=(0.5, 0.75), seed=0, state="completed", figures=CHANCE, **keys):
    rows = step_rows(losses) + epoch_rows(range(1, len(accuracies) + 1), accuracies, [1.0] * len(accuracies))
    return make_tables(folder, mlp_config(seed, **keys), WORDS, rows, state, **figures)


def test_windows_are_means_at_their_middle():
    x, y = windowed(np.arange(5), np.array([1.0, 3.0, 5.0, 7.0, 20.0]), 2)
    assert list(x) == [0.5, 2.5, 4.5]
    assert list(y) == [2.0, 6.0, 20.0]
    x, y = windowed(np.arange(4), np.array([1.0, math.nan, math.inf, math.nan]), 2)
    assert (list(x), list(y)) == ([0.5], [1.0])


def test_a_long_run_is_thinned_and_a_short_one_is_not(tmp_path):
    run(tmp_path / "long", [float(i) for i in range(4 * POINTS)])
    run(tmp_path / "short", [1.0] * POINTS)
    for folder, window, first in (("long", 4, 1.5), ("short", 1, 1.0)):
        curves = learning(find_runs([tmp_path / folder]), "validation_accuracy")
        assert curves.window == window
        assert len(curves.loss.x) == POINTS
        assert curves.loss.middle[0] == first


def test_loss_above_accuracy_below_with_chance(tmp_path):
    for seed, scale in enumerate((1.0, 3.0)):
        run(tmp_path, [4.0 * scale, 2.0 * scale, scale], (0.2 * scale, 0.3 * scale), seed)
    figure = drawn(KIND, tmp_path)
    loss, accuracy = lines_of(figure)
    assert loss.axes is figure.axes[0]
    assert list(loss.get_ydata()) == [8.0, 4.0, 2.0]
    assert list(accuracy.get_xdata()) == [1, 2]
    assert list(accuracy.get_ydata()) == pytest.approx([40.0, 60.0])
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "linear"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["training loss", "validation accuracy, %"]
    assert [line.get_ydata()[0] for line in lines_of(figure, "guide")] == [2.0, pytest.approx(10.0)]
    assert legend_of(figure) == ["chance"]
    assert title_of(figure) == "Learning, mean and range of 2 seeds"
    assert figure.get_supxlabel() == "optimizer steps"
    low, high = figure.axes[0].get_ylim()
    assert low < 1.0
    assert high > 12.0  # the band, not the mean only
    assert figure.axes[1].get_ylim()[0] < 0 < 100 < figure.axes[1].get_ylim()[1]


def test_diverged_run_ends_where_it_ended_and_is_marked(tmp_path):
    run(tmp_path, [4.0, 4.0, 4.0, 4.0], seed=0)
    run(tmp_path, [8.0, 16.0, math.inf], (), seed=1, state="diverged", figures={})
    run(tmp_path, [6.0], (), seed=2, state="interrupted", figures={})
    figure = drawn(KIND, tmp_path)
    loss, accuracy = lines_of(figure)
    assert list(loss.get_ydata()) == [6.0, 10.0, 4.0, 4.0]  # the mean of those that got there
    (end,) = lines_of(figure, "diverged")
    assert (list(end.get_xdata()), list(end.get_ydata())) == ([1.0], [16.0])
    (stop,) = lines_of(figure, "interrupted")
    assert (list(stop.get_xdata()), list(stop.get_ydata())) == ([0.0], [6.0])
    assert list(accuracy.get_ydata()) == [50.0, 75.0]
    assert legend_of(figure) == ["chance", "diverged", "ended: interrupted"]


def test_a_loss_that_blew_up_leaves_the_panel_with_its_mark_on_the_edge(tmp_path):
    run(tmp_path, [2.0, 1.0, 0.5], seed=0)
    run(tmp_path, [4.0, 1e30], (), seed=1, state="diverged", figures={})
    figure = drawn(KIND, tmp_path)
    top = figure.axes[0].get_ylim()[1]
    assert 1e3 < top < 1e4  # a thousand times the first loss, and room
    assert list(lines_of(figure, "diverged")[0].get_ydata()) == [top]


def test_loss_of_exactly_zero_is_marked(tmp_path):
    run(tmp_path, [1.0, 0.0])
    (zero,) = lines_of(drawn(KIND, tmp_path), "zero")
    assert list(zero.get_xdata()) == [1.0]


def test_a_regression_is_judged_by_its_loss(tmp_path):
    run(tmp_path, [1.0, 0.5], dataset={"_target_": REGRESSIONS[0]})
    figure = drawn(KIND, tmp_path)
    assert figure.axes[1].get_ylabel() == "validation loss"
    assert list(lines_of(figure)[1].get_ydata()) == [1.0, 1.0]
    assert figure.axes[1].get_yscale() == "log"
    assert lines_of(figure, "guide")[1].get_ydata()[0] == 2.0
    run(tmp_path, [1.0, 0.5], dataset={"_target_": "vgp_bench.data.mnist.load"})
    assert drawn(KIND, tmp_path).axes[1].get_ylabel() == "validation accuracy, %"


def test_every_regression_there_is_is_known():
    from importlib import import_module

    from vgp_bench.data.objectives import Regression

    found = set()
    for name in names_on_disk("dataset"):
        target = compose(f"dataset={name}", "dataset.folder=x" if name == "image_folder" else "seed=0").config
        module = import_module(target["dataset"]["_target_"].rpartition(".")[0])
        if Regression in vars(module).values():
            found.add(target["dataset"]["_target_"])
    assert found == set(REGRESSIONS)


def test_runs_without_rows(tmp_path):
    make_run(tmp_path, mlp_config())
    with pytest.raises(ResultsError, match="no step or epoch was recorded"):
        drawn(KIND, tmp_path)
    run(tmp_path, [1.0, 2.0], depth=9)
    assert notes_of(drawn(KIND, tmp_path)) == ["not recorded: depth=3"]


def test_there_is_ink(tmp_path):
    run(tmp_path, [4.0, 2.0, 1.0])
    assert ink(drawn(KIND, tmp_path), tmp_path, COLOURS[0]) > 500


def test_a_single_point_is_a_dot(tmp_path):
    run(tmp_path, [], (0.5,), figures={})
    assert ink(drawn(KIND, tmp_path), tmp_path, COLOURS[0]) > 20
