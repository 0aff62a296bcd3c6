"""The figure of the update-to-weight ratio: its lines, the guide, the colours of depth, what cannot be drawn."""

import math

import matplotlib.image
import numpy as np
import pytest

from tests.drawn import drawn_runs, lines_of, notes_of
from tests.made_runs import layer_row, make_run, mlp_config
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.saving import save
from vgp_bench.report.plots.update_ratio import KIND
from vgp_bench.report.series.layer_fields import update_field


def rows_at(table):
    """{step: ratios from input to classifier} as layer rows."""
    return [
        layer_row(step=step, stage=i, kind="hidden" if i < len(ratios) - 1 else "output", depth=i + 1, update_ratio=r)
        for step, ratios in table.items()
        for i, r in enumerate(ratios)
    ]


def luminance(colour):
    return sum(int(colour[i : i + 2], 16) * share for i, share in ((1, 0.2126), (3, 0.7152), (5, 0.0722)))


def test_a_line_a_stage_with_the_classifier_from_dark_to_light(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [1e-6, 1e-4, 1e-2], 1: [2e-6, 2e-4, 2e-2]}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    ax, bar = figure.axes
    lines = lines_of(ax)
    assert [list(line.get_ydata()) for line in lines] == [
        pytest.approx(y) for y in ([1e-6, 2e-6], [1e-4, 2e-4], [1e-2, 2e-2])
    ]
    assert [line.get_label() for line in lines] == ["depth 1", "depth 2", "depth 3"]
    light = [luminance(line.get_color()) for line in lines]
    assert light[0] < light[1] - 30 < light[2] - 60
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < 1e-6 < 2e-2 < ax.get_ylim()[1]
    (guide,) = lines_of(ax, "guide")
    assert set(guide.get_ydata()) == {1e-3}
    (rule,) = figure.legends[0].get_texts()
    assert rule.get_text() == "about 1e-3: rule of thumb (Karpathy, CS231n notes)"
    assert figure.legends[0].get_title().get_text() == "Update of the weights, one seed"
    assert bar.get_ylabel() == "depth (weight layers from the input)"
    assert bar.get_ylim() == (1, 3)
    assert "W_l" in figure.get_supylabel()
    assert "optimizer steps" in figure.get_supxlabel()


def test_networks_of_different_depth_are_coloured_by_the_share_of_it(tmp_path):
    make_run(tmp_path, mlp_config(depth=2), layers=rows_at({0: [1e-4, 1e-3]}))
    make_run(tmp_path, mlp_config(depth=4), layers=rows_at({0: [1e-4, 1e-3, 1e-3, 1e-2]}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    shallow, deep, bar = figure.axes
    assert [ax.get_title(loc="left") for ax in (shallow, deep)] == ["depth=2", "depth=4"]
    assert lines_of(shallow)[-1].get_color() == lines_of(deep)[-1].get_color()
    assert lines_of(shallow)[0].get_color() == lines_of(deep)[1].get_color()
    assert bar.get_ylabel() == "depth, % of the weight layers from the input"
    assert bar.get_ylim() == (0, 100)


def test_seeds_are_a_geometric_mean_over_those_that_logged_a_step(tmp_path):
    make_run(tmp_path, mlp_config(0), layers=rows_at({0: [1e-5, 1e-3], 1: [1e-4, 1e-3]}))
    make_run(tmp_path, mlp_config(1), layers=rows_at({0: [1e-3, 1e-3], 5: [1e-2, 1e-3]}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    line = lines_of(figure.axes[0])[0]
    assert list(line.get_xdata()) == [0, 1, 5]
    assert list(line.get_ydata()) == pytest.approx([1e-4, 1e-4, 1e-2])
    assert figure.legends[0].get_title().get_text() == "Update of the weights, geometric mean of 2 seeds"


def test_zeros_below_and_nonfinite_above(tmp_path):
    rows = rows_at({0: [0.0, 1e-3], 1: [1e-4, 1e-3], 2: [1e-4, math.nan]})
    rows[-1] = layer_row(step=2, stage=1, kind="output", depth=2, nonfinite_weight_gradients=5)
    make_run(tmp_path, mlp_config(), layers=rows)
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    ax = figure.axes[0]
    (zero,) = lines_of(ax, "zero")
    (broken,) = lines_of(ax, "nonfinite")
    assert (list(zero.get_xdata()), zero.get_color()) == ([0], lines_of(ax)[0].get_color())
    assert (list(broken.get_xdata()), broken.get_color()) == ([2], lines_of(ax)[1].get_color())
    assert zero.get_ydata()[0] < 0.05 < 0.95 < broken.get_ydata()[0]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words[1:] == ["exactly 0", "not finite"]
    assert np.isnan(lines_of(ax)[0].get_ydata()[0])


def test_stages_without_weights_have_no_line(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [1e-4, math.nan, 1e-3], 1: [1e-4, math.nan, 1e-3]}))
    runs = find_runs([tmp_path])
    assert list(update_field(runs).depth) == [1, 3]
    assert [line.get_label() for line in lines_of(drawn_runs(KIND, runs).axes[0])] == ["depth 1", "depth 3"]


def test_of_110_layers_two_dozen_are_drawn_the_first_and_the_last_among_them(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({s: [1e-3 / (i + 1) for i in range(110)] for s in (0, 1)}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    depths = [int(line.get_label().split()[1]) for line in lines_of(figure.axes[0])]
    assert (len(depths), depths[0], depths[-1]) == (24, 1, 110)
    assert set(np.diff(depths)) <= {4, 5}
    assert "24 of up to 110 layers" in figure.legends[0].get_title().get_text()


def test_ink_and_refusals(tmp_path):
    make_run(tmp_path / "a", mlp_config(), layers=rows_at({s: [1e-5, 1e-2] for s in range(5)}))
    figure = drawn_runs(KIND, find_runs([tmp_path / "a"]))
    pixels = matplotlib.image.imread(save(figure, tmp_path / "a.png"))[:, :, :3]
    for line in lines_of(figure.axes[0]):
        rgb = np.array([int(line.get_color()[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        # In the panel, not in the colour bar.
        assert (np.abs(pixels[:, :1000] - rgb).max(axis=2) < 0.02).sum() > 300
    with pytest.raises(UserError, match="update-ratio takes no --step"):
        drawn_runs(KIND, find_runs([tmp_path / "a"]), 0)
    make_run(tmp_path / "b", mlp_config())
    with pytest.raises(ResultsError, match="no update of weights was measured in these runs"):
        drawn_runs(KIND, find_runs([tmp_path / "b"]))
    make_run(tmp_path / "a", mlp_config(depth=9))
    both = drawn_runs(KIND, find_runs([tmp_path / "a"]))
    assert len(both.axes) == 2  # a panel and the colour bar
    assert notes_of(both) == ["not measured: depth=9"]


def test_one_value_that_blew_up_does_not_set_the_axis(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [1e-3, 1e-15], 1: [1e31, 1e-3], 2: [1e-3, 1e-3]}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    ax = figure.axes[0]
    low, high = ax.get_ylim()
    assert 1e3 < high < 1e5
    assert 1e-14 < low < 1e-12
    above, below = sorted(lines_of(ax, "beyond"), key=lambda line: -line.get_ydata()[0])
    assert (list(above.get_xdata()), above.get_color()) == ([1], lines_of(ax)[0].get_color())
    assert (list(below.get_xdata()), below.get_color()) == ([0], lines_of(ax)[1].get_color())
    assert above.get_ydata()[0] > 0.9 > 0.1 > below.get_ydata()[0]
    assert [text.get_text() for text in figure.legends[0].get_texts()][1:] == ["above the axis", "below the axis"]


def test_within_its_limits_the_axis_shows_all(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [1e-11, 900.0]}))
    ax = drawn_runs(KIND, find_runs([tmp_path])).axes[0]
    assert ax.get_ylim()[0] < 1e-11 < 900 < ax.get_ylim()[1]
    assert lines_of(ax, "beyond") == []
