"""The ridgeline of activations: densities from bins, rows from input to output, exact zeros apart, words."""

import math

import matplotlib.image
import numpy as np
import pytest

from tests.drawn import drawn_runs, legend_of, notes_of
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.records.rows import HistogramRow
from vgp_bench.report.drawing.ridges import HEIGHT, PALE
from vgp_bench.report.drawing.saving import save
from vgp_bench.report.plots.activation_histogram import KIND
from vgp_bench.report.series.densities import densities, density


def rows_at(layers, step=0):
    """A list of (lower, upper, count) a hidden layer, and an output that is not shown."""
    stages = [*layers, [(-100.0, 100.0, 7)]]
    return [
        HistogramRow(step, i, f"h{i}", "output" if i == len(layers) else "hidden", 1 + 2 * i, *found)
        for i, bins in enumerate(stages)
        for found in bins
    ]


def ridges(ax, gid="density"):
    return [ridge for ridge in ax.collections if ridge.get_gid() == gid]


def spikes(ax):
    return [bar for bar in ax.patches if bar.get_gid() == "zero"]


def test_density_is_count_over_width_relative_to_its_greatest():
    found = density(3.0, np.array([[0.0, -1.0, 0.0, 0.5], [0.0, 0.0, 0.5, 2.5], [60, 10, 20, 10]], dtype=float))
    # 10 / 1, 20 / 0.5 and 10 / 2, over 40
    assert list(found.borders) == [-1, 0, 0.5, 2.5]
    assert list(found.heights) == pytest.approx([0.25, 1.0, 0.125])
    assert found.zeros == 0.6
    assert (found.nonfinite, found.depth) == (0, 3)
    assert found.visible() == (-1, 2.5)


def test_histograms_of_seeds_with_other_bins_add_up():
    found = density(1.0, np.array([[0.0, 1.0], [2.0, 3.0], [20, 40]], dtype=float))
    assert list(found.borders) == [0, 1, 2, 3]
    assert list(found.heights) == pytest.approx([10 / 30, 1.0, 20 / 30])


def test_a_tail_too_thin_to_be_seen_does_not_stretch_the_panel():
    found = density(1.0, np.array([[0.0, 1.0, 500.0], [1.0, 500.0, 501.0], [1000, 0, 2]], dtype=float))
    assert found.visible() == (0, 1)


def test_rows_run_from_the_input_below_to_the_output_above(tmp_path):
    layers = [[(-1.0, 0.0, 10), (0.0, 1.0, 40)], [(0.0, 0.0, 75), (1.0, 2.0, 25)], [(-3.0, -2.0, 8)]]
    make_run(tmp_path, mlp_config(), layers=rows_at(layers))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1", "3", "5"]
    boxes = [ridge.get_paths()[0].get_extents() for ridge in ridges(ax)]
    assert [box.y0 for box in boxes] == [0, 1, 2]
    assert [box.y1 for box in boxes] == pytest.approx([HEIGHT, 1 + HEIGHT, 2 + HEIGHT])
    assert [(box.x0, box.x1) for box in boxes] == [(-1, 1), (1, 2), (-3, -2)]
    first = ridges(ax)[0].get_paths()[0].vertices
    assert {round(float(y), 6) for x, y in first if x < -0.5} == {0.0, round(HEIGHT / 4, 6)}
    (spike,) = spikes(ax)
    assert (spike.get_y(), spike.get_height()) == (1, pytest.approx(0.75 * HEIGHT))
    assert spike.get_x() < 0 < spike.get_x() + spike.get_width()
    low, high = ax.get_xlim()
    assert low < -3 < 2 < high < 10  # the output is not in it
    assert "input at the bottom" in figure.get_supylabel()
    assert "h_l" in figure.get_supxlabel()
    assert legend_of(figure) == [
        "density of values that are not 0, tallest = 1",
        "share of values exactly 0 (full row: 100 %)",
    ]
    assert figure.legends[0].get_title().get_text() == "Activations at initialization, one seed"


def test_dead_constant_and_nonfinite_layers_are_shown_as_such(tmp_path):
    layers = [[(0.0, 0.0, 50)], [(0.5, 0.5, 50)], [(1.0, 2.0, 40), (math.nan, math.nan, 10)]]
    make_run(tmp_path, mlp_config(), layers=rows_at(layers))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (ax,) = figure.axes
    (spike,) = spikes(ax)
    assert (spike.get_y(), spike.get_height()) == (0, pytest.approx(HEIGHT))
    (constant,) = ridges(ax, "constant")
    assert constant.get_segments()[0].tolist() == [[0.5, 1.0], [0.5, pytest.approx(1 + HEIGHT)]]
    (mark,) = [line for line in ax.get_lines() if line.get_gid() == "nonfinite"]
    assert 2 < mark.get_ydata()[0] < 3
    assert legend_of(figure)[1:] == ["share of values exactly 0 (full row: 100 %)", "with values not finite"]
    mixed = density(1.0, np.array([[0.5, 1.0, 7.0], [0.5, 2.0, 7.0], [5, 5, 5]]))  # three seeds, two of them constant
    assert (list(mixed.constants), mixed.visible()) == ([0.5, 7.0], (0.5, 7.0))
    assert density(1.0, np.array([[1.0, math.nan], [2.0, math.nan], [40, 10]])).nonfinite == 0.2


def test_of_many_layers_twelve_are_shown_the_first_and_the_last_among_them(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at([[(0.0, 1.0, 5)]] * 30))
    (ax,) = drawn_runs(KIND, find_runs([tmp_path])).axes
    depths = [int(text.get_text()) for text in ax.get_yticklabels()]
    assert (len(depths), len(ridges(ax)), depths[0], depths[-1]) == (12, 12, 1, 59)
    assert set(np.diff(depths)) <= {4, 6}


def test_a_panel_a_group_with_its_own_scale_and_its_seeds_together(tmp_path):
    for seed in (0, 1):
        make_run(tmp_path, mlp_config(seed), layers=rows_at([[(float(seed), seed + 2.0, 10)]]))
    make_run(tmp_path, mlp_config(activation="Tanh"), layers=rows_at([[(-100.0, 100.0, 10)]]))
    make_run(tmp_path, mlp_config(activation="GELU"))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["relu", "tanh"]
    relu, tanh = figure.axes
    assert notes_of(figure) == ["not recorded: activation=gelu"]
    assert -1 < relu.get_xlim()[0] < 0 < 3 < relu.get_xlim()[1] < 4
    assert tanh.get_xlim()[1] > 100
    assert all(label.get_visible() for label in relu.get_xticklabels())
    assert figure.legends[0].get_title().get_text() == "Activations at initialization, 1-2 seeds together"
    (layer,) = densities([r for r in find_runs([tmp_path]) if "ReLU" in str(r.config)], "last").layers
    assert list(layer.heights) == pytest.approx([0.5, 1, 0.5])


def test_the_last_probed_step_unless_another_is_chosen(tmp_path):
    rows = [row for step in (0, 500, 600) for row in rows_at([[(0.0, 1.0 + step, 5)]], step)]
    make_run(tmp_path, mlp_config(), layers=rows)
    runs = find_runs([tmp_path])
    for asked, step in (((), 600), ((500,), 500)):
        figure = drawn_runs(KIND, runs, *asked)
        assert ridges(figure.axes[0])[0].get_paths()[0].get_extents().x1 == 1 + step
        assert f"at step {step}" in figure.legends[0].get_title().get_text()
    with pytest.raises(ResultsError, match="step 7 was not probed; choose first, last or one of 0, 500, 600"):
        drawn_runs(KIND, runs, 7)
    with pytest.raises(UserError, match="at most 1 step"):
        drawn_runs(KIND, runs, 0, 500)


def test_runs_recorded_before_there_were_histograms_get_one_line(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]))
    with pytest.raises(ResultsError, match="no histogram was recorded in these runs: run them with this version"):
        drawn_runs(KIND, find_runs([tmp_path]))


def test_seeds_with_different_stages_are_refused(tmp_path):
    make_run(tmp_path, mlp_config(0), layers=rows_at([[(0.0, 1.0, 5)]]))
    other = [HistogramRow(0, 0, "h0", "hidden", 2, 0.0, 1.0, 5)]
    make_run(tmp_path, mlp_config(1), layers=other)
    with pytest.raises(ResultsError, match="other stages"):
        drawn_runs(KIND, find_runs([tmp_path]))


def test_ink_of_ridges_and_spikes(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at([[(0.0, 0.0, 5), (0.5, 1.0, 5)]] * 3))
    pixels = matplotlib.image.imread(save(drawn_runs(KIND, find_runs([tmp_path])), tmp_path / "a.png"))[:, :, :3]
    for colour in (PALE, "#D55E00"):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        assert (np.abs(pixels - rgb).max(axis=2) < 0.02).sum() > 5000


def test_where_the_last_steps_differ_each_panel_says_its_own(tmp_path):
    for activation, last in (("ReLU", 53), ("Tanh", 0)):
        make_run(tmp_path, mlp_config(activation=activation), layers=rows_at([[(0.0, 1.0, 5)]], last))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["relu\nat step 53", "tanh\nat initialization"]
    assert figure.legends[0].get_title().get_text() == "Activations at the last step probed, one seed"
