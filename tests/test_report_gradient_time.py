"""The gradient through time: the numbers in the lines, zeros, cells, steps and words."""

import math

import pytest

from tests.drawn import drawn, ink, legend_of, lines_of, notes_of, title_of
from tests.made_runs import make_run, mlp_config
from tests.made_tables import make_tables, time_rows
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.report.drawing.style import COLOURS
from vgp_bench.report.plots.gradient_time import KIND


def run(folder, rows, architecture="rnn", seed=0):
    config = mlp_config(seed)
    config["architecture"] = {"_target_": f"x.{architecture}"}
    return make_tables(folder, config, {"architecture": architecture, "activation": "relu"}, rows, "completed")


def test_relative_to_the_last_time_step_against_the_lag(tmp_path):
    run(tmp_path, time_rows([4.0, 2.0, 1e-8]))
    figure = drawn(KIND, tmp_path)
    (ax,) = figure.axes
    (line,) = lines_of(figure)
    assert list(line.get_xdata()) == [0, 1, 2]
    assert list(line.get_ydata()) == pytest.approx([1.0, 0.5, 2.5e-9])
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < 2.5e-9
    left, right = ax.get_xlim()
    assert left > 2 > 0 > right  # the end of the sequence on the right
    assert "lag" in figure.get_supxlabel()
    assert "h_t" in figure.get_supylabel()
    assert title_of(figure) == "Gradient through time at initialization, relative to the last time step, one seed"
    assert ink(figure, tmp_path, COLOURS[0]) > 500


def test_only_the_last_layer_read_forward_is_drawn(tmp_path):
    rows = time_rows([1.0, 7.0], layer="first") + time_rows([1.0, 0.5], layer="second")
    run(tmp_path, rows + time_rows([1.0, 9.0], layer="second", direction="backward"))
    (line,) = lines_of(drawn(KIND, tmp_path))
    assert list(line.get_ydata()) == [1.0, 0.5]


def test_seeds_are_a_median_in_a_band(tmp_path):
    for seed, far in enumerate((1e-6, 1e-4, 1e-3)):
        run(tmp_path, time_rows([1.0, far]), seed=seed)
    figure = drawn(KIND, tmp_path)
    assert list(lines_of(figure)[0].get_ydata()) == pytest.approx([1.0, 1e-4])
    heights = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((1e-6, 1.0))
    assert title_of(figure).endswith("median and range of 3 seeds")


def test_values_down_to_1e_300_are_drawn_and_exact_zeros_marked(tmp_path):
    run(tmp_path, time_rows([1.0, 1e-300, 0.0, math.inf]))
    figure = drawn(KIND, tmp_path)
    (line,) = lines_of(figure)
    assert line.get_ydata()[1] == 1e-300
    assert figure.axes[0].get_ylim()[0] < 1e-300
    assert [list(mark.get_xdata()) for gid in ("zero", "nonfinite") for mark in lines_of(figure, gid)] == [[2], [3]]
    assert legend_of(figure) == ["exactly 0", "not finite"]


def test_architectures_share_a_panel_and_only_an_lstm_has_a_cell(tmp_path):
    run(tmp_path, time_rows([1.0, 0.5], [2.0, 0.5]), "lstm")
    run(tmp_path, time_rows([1.0, 0.25]), "rnn")
    make_run(tmp_path, mlp_config())
    figure = drawn(KIND, tmp_path)
    above, below = figure.axes
    lines = {line.get_label().split(",")[0]: line for line in lines_of(figure) if line.axes is above}
    assert list(lines["architecture=lstm"].get_ydata()) == [1.0, 0.5]
    assert list(lines["architecture=rnn"].get_ydata()) == [1.0, 0.25]
    (cell,) = [line for line in lines_of(figure) if line.axes is below]
    assert list(cell.get_ydata()) == [1.0, 0.25]
    assert cell.get_color() == lines["architecture=lstm"].get_color() != lines["architecture=rnn"].get_color()
    assert "c_t" in below.get_ylabel()
    assert notes_of(figure) == ["not measured: architecture=mlp"]
    assert legend_of(figure) == ["architecture lstm", "architecture rnn"]


def test_steps_are_chosen_and_named(tmp_path):
    run(tmp_path, time_rows([1.0, 0.5]) + time_rows([1.0, 0.1], step=50) + time_rows([1.0, 0.2], step=90))
    for step, value, words in (("first", 0.5, "at initialization"), (50, 0.1, "at step 50"), ("last", 0.2, "step 90")):
        figure = drawn(KIND, tmp_path, step)
        assert lines_of(figure)[0].get_ydata()[1] == value
        assert words in title_of(figure)
    figure = drawn(KIND, tmp_path, "first", "last")
    assert [line.get_ydata()[1] for line in lines_of(figure)] == [0.5, 0.2]
    assert [ax.get_ylabel().split("\n")[1] for ax in figure.axes] == ["at initialization", "at step 90"]
    with pytest.raises(ResultsError, match="step 7 was not probed; choose first, last or one of 0, 50, 90"):
        drawn(KIND, tmp_path, 7)
    with pytest.raises(UserError, match="at most 2 step"):
        drawn(KIND, tmp_path, 0, 50, 90)


def test_runs_without_a_time_table_are_one_line(tmp_path):
    make_run(tmp_path, mlp_config())
    with pytest.raises(ResultsError, match="no gradient through time in these runs: it is measured in recurrent"):
        drawn(KIND, tmp_path)


def test_runs_of_one_config_with_other_lengths_are_refused(tmp_path):
    run(tmp_path, time_rows([1.0, 0.5]), seed=0)
    run(tmp_path, time_rows([1.0, 0.5, 0.1]), seed=1)
    with pytest.raises(ResultsError, match="has other time steps than the runs of its config; run it again"):
        drawn(KIND, tmp_path)
