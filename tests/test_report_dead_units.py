"""Dead and saturated units: means over stages by hand, probed steps only, what was not measured."""

import math
from dataclasses import replace

import pytest

from tests.drawn import drawn, ink, legend_of, lines_of, notes_of, title_of, told
from tests.made_runs import layer_row, make_run, mlp_config
from vgp_bench.errors import ResultsError
from vgp_bench.report.drawing.style import COLOURS
from vgp_bench.report.plots.dead_units import KIND

NAN = math.nan


def rows(step, dead, saturated):
    """A row a hidden stage, and one for the output, whose figures must not count."""
    hidden = [
        layer_row(step=step, stage=i, kind="hidden", depth=i + 1, dead_fraction=d, saturated_fraction=s)
        for i, (d, s) in enumerate(zip(dead, saturated, strict=True))
    ]
    return [*hidden, layer_row(step=step, stage=9, kind="output", dead_fraction=1.0, saturated_fraction=1.0)]


def test_means_over_hidden_stages_in_percent(tmp_path):
    for seed, more in enumerate((0.0, 0.2)):
        layers = rows(0, [0.1 + more, 0.3 + more], [0.5, 0.7]) + rows(5, [NAN, NAN], [0.2, NAN])
        layers += rows(9, [0.5 + more, NAN], [0.0, 0.0])
        make_run(tmp_path, mlp_config(seed), layers=layers)
    figure = drawn(KIND, tmp_path)
    dead, saturated = lines_of(figure)
    assert (dead.axes, saturated.axes) == tuple(figure.axes)
    assert list(dead.get_xdata()) == [0, 9]
    assert list(dead.get_ydata()) == pytest.approx([30.0, 60.0])
    assert list(saturated.get_xdata()) == [0, 5, 9]
    assert list(saturated.get_ydata()) == pytest.approx([60.0, 20.0, 0.0])
    assert dead.get_marker() != "none"
    assert [ax.get_ylabel() for ax in figure.axes] == ["dead units, %", "saturated units, %"]
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((20.0, 70.0))
    for ax in figure.axes:
        assert ax.get_ylim()[0] < 0 < 100 < ax.get_ylim()[1]
    assert title_of(figure) == "Dead and saturated units, mean over hidden stages; mean and range of 2 seeds"
    assert ink(figure, tmp_path, COLOURS[0]) > 500


def test_what_was_not_measured_is_said_where_it_is_missing(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows(0, [0.1], [NAN]))
    make_run(tmp_path, mlp_config(activation="Tanh"), layers=rows(0, [NAN], [0.1]))
    figure = drawn(KIND, tmp_path)
    assert told(figure) == []
    assert notes_of(figure) == [
        "dead units not counted: activation=tanh",
        "saturated units not counted: activation=relu",
    ]


def test_many_unmeasured_groups_do_not_cover_the_panel(tmp_path):
    make_run(tmp_path, mlp_config(depth=99), layers=rows(0, [0.1], [0.1]))
    for depth in range(6):
        make_run(tmp_path, mlp_config(depth=depth))
    figure = drawn(KIND, tmp_path)
    assert notes_of(figure) == ["not measured: depth=0; depth=1; depth=2; 3 more"]
    assert told(figure) == []
    assert legend_of(figure) == ["depth 99"]


def test_nothing_measured_at_all_is_one_line(tmp_path):
    make_run(tmp_path, mlp_config())
    with pytest.raises(ResultsError, match=r"run them with the monitor on; with it on, .* fused kernels show none"):
        drawn(KIND, tmp_path)


def test_the_step_at_which_a_run_broke_is_left_out_and_its_end_marked(tmp_path):
    first, *others = rows(7, [0.0, 0.0], [0.0, 0.0])
    layers = rows(0, [0.2, 0.2], [0.6, 0.6]) + rows(5, [0.4, 0.4], [0.8, 0.8])
    layers += [replace(first, nonfinite_activations=5), *others]
    make_run(tmp_path, mlp_config(), layers=layers, state="diverged")
    make_run(tmp_path, mlp_config(activation="Tanh"), layers=rows(0, [0.1], [0.1]) + rows(9, [0.1], [0.1]))
    figure = drawn(KIND, tmp_path)
    relu = [line for line in lines_of(figure) if "relu" in line.get_label()]
    assert [list(line.get_xdata()) for line in relu] == [[0, 5], [0, 5]]
    ends = [(line.get_xdata()[0], round(line.get_ydata()[0])) for line in lines_of(figure, "diverged")]
    assert ends == [(5, 40), (5, 80)]
    assert legend_of(figure) == ["activation relu", "activation tanh", "diverged"]
