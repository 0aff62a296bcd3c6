"""The figure of the gradient over depth and step: its cells, their borders and colours, the words around them."""

import math
from dataclasses import replace
from itertools import pairwise

import matplotlib.image
import numpy as np
import pytest

from tests.drawn import drawn_runs, legend_of, notes_of
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.saving import save
from vgp_bench.report.plots.gradient_heatmap import KIND
from vgp_bench.report.series.depth_profile import depth_profile
from vgp_bench.report.series.layer_fields import gradient_field
from vgp_bench.report.series.stage_steps import edges


def meshes(ax, gid="factor"):
    return [mesh for mesh in ax.collections if mesh.get_gid() == gid]


def rows_at(table):
    """{step: gradients} as layer rows."""
    return [row for step, gradients in table.items() for row in layer_rows(gradients, step=step, per_stage=2)]


def test_cells_hold_the_ratios_and_cover_what_is_nearest_to_each_step(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [0.02, 0.2, 2.0], 1: [1.0, 2.0, 4.0], 51: [8.0, 2.0, 1.0]}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    ax, bar = figure.axes
    (mesh,) = meshes(ax)
    # Input (depth 1) in the first row, which pcolormesh draws at the bottom.
    assert np.asarray(mesh.get_array()).reshape(3, 3) == pytest.approx(
        np.array([[0.01, 0.25, 8], [0.1, 0.5, 2], [1, 1, 1]])
    )
    borders = mesh.get_coordinates()
    assert list(borders[0, :, 0]) == [-0.5, 0.5, 26, 51.5]
    assert list(borders[:, 0, 1]) == [0.5, 2, 4, 5.5]
    assert ax.get_ylim() == (0.5, 5.5)
    assert ax.get_xlim() == (-0.5, 51.5)
    assert mesh.norm.vmin == pytest.approx(0.01)
    assert mesh.norm.vmax == pytest.approx(100)
    assert bar.get_ylim() == pytest.approx((0.01, 100))
    assert "relative to the last hidden stage" in bar.get_ylabel()
    assert "input at the bottom" in figure.get_supylabel()
    assert figure.get_supxlabel() == "optimizer steps, spaced as log(1 + step)"
    assert figure.get_suptitle() == "Gradient, one seed"
    assert legend_of(figure) == []
    # A step s stands at log(1 + s) of the way.
    x = ax.transData.transform([(s, 1) for s in (0, 1, 3)])[:, 0]
    assert x[2] - x[1] == pytest.approx(x[1] - x[0])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "1", "3", "10", "30"]


def test_below_one_is_blue_above_one_is_red_and_one_is_white(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [1e-3, 1.0], 1: [1e3, 1.0]}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (mesh,) = meshes(figure.axes[0])
    small, large, one, _ = mesh.to_rgba(mesh.get_array()).reshape(4, 4)
    assert small[2] > small[0] + 0.3
    assert large[0] > large[2] + 0.3
    assert one[:3].min() > 0.95


def test_a_healthy_net_is_shown_over_a_decade_on_either_side(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [1.1, 1.0]}))
    (mesh,) = meshes(drawn_runs(KIND, find_runs([tmp_path])).axes[0])
    assert (mesh.norm.vmin, mesh.norm.vmax) == pytest.approx((0.1, 10))


def test_seeds_are_a_geometric_mean_over_those_that_logged_a_step(tmp_path):
    make_run(tmp_path, mlp_config(0), layers=rows_at({0: [1e-6, 1.0], 1: [0.5, 1.0]}))
    make_run(tmp_path, mlp_config(1), layers=rows_at({0: [1e-2, 1.0], 2: [0.25, 1.0]}))
    field = gradient_field(find_runs([tmp_path]))
    assert list(field.steps) == [0, 1, 2]
    assert field.middle[0] == pytest.approx([1e-4, 0.5, 0.25])
    assert field.seeds == 2
    assert drawn_runs(KIND, find_runs([tmp_path])).get_suptitle() == "Gradient, geometric mean of 2 seeds"


def test_zeros_nonfinite_and_unmeasured_cells_have_colours_of_their_own(tmp_path):
    make_run(tmp_path, mlp_config(0), layers=rows_at({0: [0.0, 1.0], 1: [math.inf, 1.0], 2: [0.5, 1.0]}))
    rows = rows_at({0: [0.25, 1.0], 1: [0.25, 1.0], 2: [0.5, 1.0]})
    rows += [row for row in rows_at({3: [math.nan, 1.0]}) if row.stage == 1]
    make_run(tmp_path, mlp_config(1), layers=rows)
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    ax = figure.axes[0]
    for gid, where in (("zero", [0]), ("nonfinite", [1])):
        (mesh,) = meshes(ax, gid)
        shown = ~np.ma.getmaskarray(mesh.get_array()).reshape(2, 4)
        assert list(np.flatnonzero(shown[0])) == where
        assert not shown[1].any()
    colours = {gid: tuple(meshes(ax, gid)[0].get_cmap()(0)) for gid in ("zero", "nonfinite")}
    legend = figure.legends[0]
    handles = dict(zip([text.get_text() for text in legend.get_texts()], legend.get_patches(), strict=True))
    assert list(handles) == ["exactly 0 in a seed", "not finite in a seed", "no data"]
    assert handles["exactly 0 in a seed"].get_facecolor() == colours["zero"] == (0, 0, 0, 1)
    assert handles["not finite in a seed"].get_facecolor() == colours["nonfinite"]
    assert handles["no data"].get_facecolor() == ax.get_facecolor() == (0.75, 0.75, 0.75, 1)
    (factor,) = meshes(ax)
    assert np.ma.getmaskarray(factor.get_array()).reshape(2, 4)[0, 3]


def test_dead_network_is_black_not_empty(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [0.0, 0.0], 1: [0.0, 0.0]}))
    path = save(drawn_runs(KIND, find_runs([tmp_path])), tmp_path / "dead.png")
    pixels = matplotlib.image.imread(path)[:, :, :3]
    assert (pixels.max(axis=2) < 0.02).mean() > 0.4


def test_relative_to_a_norm_that_is_not_finite_is_not_finite_rather_than_zero(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [0.3, 0.0, math.inf]}))
    runs = find_runs([tmp_path])
    field = gradient_field(runs)
    assert field.broken[:, 0].tolist() == [True, False, True]
    assert field.zero[:, 0].tolist() == [False, True, False]
    band = depth_profile(runs, "first").band
    assert band.broken.tolist() == [True, False, True]


def test_a_norm_of_which_values_were_left_out_is_no_norm(tmp_path):
    first, *others = layer_rows([0.3, 0.5, 1.0])
    make_run(tmp_path, mlp_config(), layers=[replace(first, nonfinite_activation_gradients=1), *others])
    field = gradient_field(find_runs([tmp_path]))
    assert field.broken[:, 0].tolist() == [True, False, False]


def test_stages_of_one_depth_share_its_cell(tmp_path):
    rows = [replace(row, depth=(1, 2, 2, 3)[row.stage]) for row in layer_rows([0.25, 0.5, 1.0])]
    make_run(tmp_path, mlp_config(), layers=rows)
    (mesh,) = meshes(drawn_runs(KIND, find_runs([tmp_path])).axes[0])
    heights = np.diff(mesh.get_coordinates()[:, 0, 1])
    assert heights.min() > 0.2


def test_a_panel_a_group_each_with_its_own_depth_and_the_same_steps(tmp_path):
    for depth in (2, 5):
        for activation in ("ReLU", "Tanh"):
            make_run(tmp_path, mlp_config(0, depth, activation), layers=layer_rows([0.5**i for i in range(depth)]))
    make_run(tmp_path, mlp_config(0, 7))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert [ax.get_title(loc="left") for ax in figure.axes[:5]] == [
        "depth=2, relu", "depth=2, tanh", "depth=5, relu", "depth=5, tanh", ""
    ]  # fmt: skip
    assert [ax.get_ylim()[1] for ax in figure.axes[:4]] == [2.5, 2.5, 5.5, 5.5]
    assert len({ax.get_xlim() for ax in figure.axes[:4]}) == 1
    assert notes_of(figure) == ["not measured: depth=7, activation=relu"]


def test_long_titles_are_wrapped_within_their_panels(tmp_path):
    for activation in ("LeakyReLU", "Sigmoid", "Softplus"):
        for architecture in ("highway_mlp", "residual_mlp"):
            config = mlp_config(activation=activation)
            config["architecture"]["_target_"] = f"x.{architecture}"
            words = {"architecture": architecture, "activation": activation.lower()}
            make_run(tmp_path, config, words, layers=layer_rows([0.5, 1.0]))
            make_run(
                tmp_path,
                config | {"optimizer": {"_target_": "torch.optim.RMSprop"}},
                words,
                layers=layer_rows([0.5, 1.0]),
            )
    figure = drawn_runs(
        KIND, [run for run in find_runs([tmp_path]) if run.config["architecture"]["_target_"] == "x.residual_mlp"]
    )
    assert figure.axes[0].get_title(loc="left").split() == ["leakyrelu,", "RMSprop"]
    figure = drawn_runs(KIND, [run for run in find_runs([tmp_path]) if run.state == "completed"])
    titles = [ax._left_title.get_window_extent() for ax in figure.axes[:3]]
    assert all(a.x1 < b.x0 for a, b in pairwise(titles))
    assert titles[2].x1 < figure.bbox.x1


def test_too_many_groups_steps_chosen_and_runs_without_layers_get_one_line(tmp_path):
    make_run(tmp_path / "none", mlp_config())
    with pytest.raises(ResultsError, match="no gradient was measured in these runs; run them with the monitor on"):
        drawn_runs(KIND, find_runs([tmp_path / "none"]))
    for depth in range(2, 15):
        make_run(tmp_path / "many", mlp_config(0, depth), layers=layer_rows([0.5, 1.0]))
    with pytest.raises(UserError, match="13 panels, and 12 can be read in one figure: choose fewer runs with --where"):
        drawn_runs(KIND, find_runs([tmp_path / "many"]))
    with pytest.raises(UserError, match="gradient-heatmap takes no --step; leave it out"):
        drawn_runs(KIND, find_runs([tmp_path / "many"]), 0)


def test_runs_of_one_config_with_different_stages_are_refused(tmp_path):
    make_run(tmp_path, mlp_config(0), layers=layer_rows([0.5, 1.0]))
    make_run(tmp_path, mlp_config(1), layers=layer_rows([0.5, 0.7, 1.0]))
    with pytest.raises(ResultsError, match="different stages"):
        drawn_runs(KIND, find_runs([tmp_path]))


def test_a_single_step_and_stage_still_have_an_extent():
    assert list(edges(np.array([7.0]))) == [6.5, 7.5]
    assert list(edges(np.array([0.0, 50.0, 60.0]))) == [-0.5, 25, 55, 60.5]


def test_where_a_run_ended_early_the_panel_is_grey_and_the_legend_says_so(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at({0: [0.5, 1.0], 9: [0.5, 1.0]}))
    assert legend_of(drawn_runs(KIND, find_runs([tmp_path]))) == []
    make_run(tmp_path, mlp_config(activation="Tanh"), layers=rows_at({0: [0.5, 1.0], 2: [0.5, 1.0]}))
    assert legend_of(drawn_runs(KIND, find_runs([tmp_path]))) == ["no data"]


def test_networks_of_one_stage_take_no_panel(tmp_path):
    make_run(tmp_path, mlp_config(depth=1), layers=layer_rows([0.5]))
    with pytest.raises(ResultsError, match="one hidden stage each, and nothing changes along depth; for recurrent"):
        drawn_runs(KIND, find_runs([tmp_path]))
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert len(figure.axes) == 2  # a panel and the colour bar
    assert notes_of(figure) == ["one hidden stage: depth=1"]
