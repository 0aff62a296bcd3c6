"""The figure of the gradient along depth: the numbers in its lines, the words around them, ink on the page."""

import math
import xml.etree.ElementTree

import matplotlib.image
import numpy as np
import pytest

from tests.drawn import drawn_runs, legend_of, lines_of, notes_of, title_of
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.saving import save
from vgp_bench.report.drawing.style import COLOURS, LINES, MARKERS
from vgp_bench.report.plots.gradient_depth import KIND
from vgp_bench.report.series.depth_profile import depth_profile


def falling(rho, stages=10):
    return [3.0 * rho ** (stages - 1 - i) for i in range(stages)]


@pytest.fixture
def many(tmp_path):
    """4 architectures x 2 depths x 2 activations, two seeds each."""
    for i, architecture in enumerate(("highway", "mlp", "plain", "resnet")):
        for depth in (10, 20):
            for activation, rho in (("ReLU", 0.9 - 0.1 * i), ("Sigmoid", 0.4)):
                for seed in (0, 1):
                    config = mlp_config(seed, depth, activation)
                    config["architecture"]["_target_"] = f"x.{architecture}"
                    words = {"architecture": architecture, "activation": activation.lower()}
                    make_run(tmp_path, config, words, layers=layer_rows(falling(rho, depth)))
    return find_runs([tmp_path])


def test_one_run_is_one_line_relative_to_the_last_hidden_stage(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.0625, 0.25, 2.0], per_stage=2))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (ax,) = figure.axes
    (line,) = lines_of(figure)
    assert list(line.get_xdata()) == [1, 3, 5]
    assert list(line.get_ydata()) == pytest.approx([0.03125, 0.125, 1.0])
    assert ax.get_yscale() == "log"
    assert ax.get_ylim()[0] < 0.03125 < 1 < ax.get_ylim()[1]
    assert ax.get_xlim()[0] < 1 < 5 < ax.get_xlim()[1]
    assert "relative to the last hidden stage" in figure.get_supylabel()
    assert "weight layers from the input" in figure.get_supxlabel()
    assert title_of(figure) == "Gradient at initialization, one seed"
    assert legend_of(figure) == []


def test_sixteen_groups_are_four_panels_of_four_different_lines(many):
    figure = drawn_runs(KIND, many)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["highway", "mlp", "plain", "resnet"]
    assert legend_of(figure) == ["activation relu", "activation sigmoid", "depth 10", "depth 20"]
    for i, ax in enumerate(figure.axes):
        lines = {line.get_label(): line for line in ax.get_lines() if line.get_gid() == "curve"}
        assert len(lines) == 4
        assert len({(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in lines.values()}) == 4
        name = ax.get_title(loc="left")
        deep = lines[f"architecture={name}, architecture.depth=20, activation=relu"]
        assert deep.get_color() == COLOURS[0]
        assert deep.get_ydata()[0] == pytest.approx((0.9 - 0.1 * i) ** 19)
        assert len(deep.get_xdata()) == 20
        assert ax.get_ylim() == figure.axes[0].get_ylim()
        assert ax.get_xlim() == figure.axes[0].get_xlim()


def test_legend_and_lines_agree(many):
    figure = drawn_runs(KIND, [run for run in many if run.choices["architecture"] == "mlp"])
    handles = {h.get_label(): h for h in figure.legends[0].legend_handles}
    for line in lines_of(figure):
        settings = dict(word.split("=") for word in line.get_label().split(", "))
        assert line.get_color() == handles[f"activation {settings['activation']}"].get_color()
        style = handles[f"depth {settings['architecture.depth']}"]
        assert line.is_dashed() == style.is_dashed()


def test_seeds_are_a_median_in_a_band(tmp_path):
    for seed, first in enumerate((1e-6, 1e-4, 1e-3)):
        make_run(tmp_path, mlp_config(seed), layers=layer_rows([first, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (line,) = lines_of(figure)
    assert list(line.get_ydata()) == pytest.approx([1e-4, 1.0])
    (band,) = figure.axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((1e-6, 1.0))
    assert title_of(figure) == "Gradient at initialization, median and range of 3 seeds"


def test_median_of_two_is_their_geometric_mean(tmp_path):
    for seed, first in enumerate((1e-6, 1e-2)):
        make_run(tmp_path, mlp_config(seed), layers=layer_rows([first, 1.0]))
    profile = depth_profile(find_runs([tmp_path]), "first")
    assert profile.band.middle == pytest.approx([1e-4, 1.0])


def test_exact_zeros_and_nonfinite_values_are_marked_at_the_edges(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.0, 0.0, 0.5, 1.0]))
    make_run(tmp_path, mlp_config(depth=4), layers=layer_rows([math.inf, 0.1, 0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (zero,) = lines_of(figure, "zero")
    (broken,) = lines_of(figure, "nonfinite")
    assert list(zero.get_xdata()) == [1, 2]
    assert list(broken.get_xdata()) == [1]
    to_axes = figure.axes[0].transAxes.inverted()
    figure.draw_without_rendering()
    assert to_axes.transform(zero.get_transform().transform([1, zero.get_ydata()[0]]))[1] < 0.05
    assert to_axes.transform(broken.get_transform().transform([1, broken.get_ydata()[0]]))[1] > 0.95
    assert legend_of(figure) == ["depth 3", "depth 4", "exactly 0", "not finite"]


def test_dead_gradient_everywhere_is_zeros_not_an_empty_picture(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.0, 0.0, 0.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (zero,) = lines_of(figure, "zero")
    assert list(zero.get_xdata()) == [1, 2, 3]


def test_run_that_blew_up_is_marked_beside_the_others(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([math.inf, math.nan, math.inf]))
    make_run(tmp_path, mlp_config(activation="Tanh"), layers=layer_rows([0.25, 0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    (broken,) = lines_of(figure, "nonfinite")
    assert list(broken.get_xdata()) == [1, 2, 3]
    (line,) = lines_of(figure)
    assert line.get_label() == "activation=tanh"
    assert legend_of(figure) == ["activation relu", "activation tanh", "not finite"]


def test_steps_are_chosen_and_named(tmp_path):
    rows = layer_rows([0.5, 1.0], step=0) + layer_rows([0.25, 1.0], step=50) + layer_rows([0.125, 1.0], step=90)
    make_run(tmp_path, mlp_config(), layers=rows)
    runs = find_runs([tmp_path])
    for step, first, words in (
        ("first", 0.5, "at initialization"),
        ("last", 0.125, "at step 90"),
        (50, 0.25, "at step 50"),
    ):
        figure = drawn_runs(KIND, runs, step)
        assert lines_of(figure)[0].get_ydata()[0] == first
        assert words in title_of(figure)
    with pytest.raises(ResultsError, match="step 7 was not logged; choose first, last or one of 0, 50, 90"):
        drawn_runs(KIND, runs, 7)


def test_runs_without_layers(tmp_path):
    make_run(tmp_path, mlp_config())
    with pytest.raises(ResultsError, match="no gradient was measured"):
        drawn_runs(KIND, find_runs([tmp_path]))
    make_run(tmp_path, mlp_config(depth=9), layers=layer_rows([0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert len(figure.axes[0].texts) == 0
    assert notes_of(figure) == ["not measured: depth=3"]


def test_three_keys_take_colour_dash_and_marker(tmp_path):
    for depth in (3, 4):
        for activation in ("ReLU", "Tanh"):
            for width in (8, 16):
                config = mlp_config(0, depth, activation)
                config["architecture"]["width"] = width
                make_run(tmp_path, config, layers=layer_rows(falling(0.5)))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    looks = {(line.get_color(), line.is_dashed(), line.get_marker()) for line in lines_of(figure)}
    assert looks == {(c, d, m) for c in COLOURS[:2] for d in (False, True) for m in MARKERS[:2]}
    assert len(legend_of(figure)) == 6


def test_sixteen_values_of_one_key_still_differ(tmp_path):
    for depth in range(2, 18):
        make_run(tmp_path, mlp_config(depth=depth), layers=layer_rows(falling(0.5, depth)))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    looks = [(line.get_color(), str(line._dash_pattern)) for line in lines_of(figure)]
    assert len(set(looks)) == 16 <= len(COLOURS) * len(LINES)
    assert [text.split()[-1] for text in legend_of(figure)] == [str(depth) for depth in range(2, 18)]


def test_png_has_ink_where_the_line_is(tmp_path, many):
    path = save(drawn_runs(KIND, many), tmp_path / "new folder" / "figure.png")
    pixels = matplotlib.image.imread(path)[:, :, :3]
    assert pixels.shape[1] > 1000
    for colour in COLOURS[:2]:
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        assert (np.abs(pixels - rgb).max(axis=2) < 0.02).sum() > 500
    assert 0.01 < (pixels.min(axis=2) < 0.9).mean() < 0.3


def test_svg_holds_the_words_as_text_and_pdf_is_a_pdf(tmp_path, many):
    svg = xml.etree.ElementTree.parse(save(drawn_runs(KIND, many), tmp_path / "figure.svg"))
    words = " ".join("".join(node.itertext()) for node in svg.iter("{http://www.w3.org/2000/svg}text"))
    for expected in ("highway", "resnet", "depth 20", "activation sigmoid", "weight layers from the input"):
        assert expected in words
    assert save(drawn_runs(KIND, many), tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_other_suffixes_and_unwritable_places_are_refused_in_one_line(tmp_path, many):
    for name in ("figure.jpg", "figure"):
        with pytest.raises(UserError, match=rf"cannot draw {name}: give a file name that ends in \.png, \.svg, \.pdf"):
            save(drawn_runs(KIND, many), tmp_path / name)
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="a file is in the way"):
        save(drawn_runs(KIND, many[:1]), tmp_path / "file" / "figure.png")


def test_runs_of_one_config_with_different_stages_are_refused(tmp_path):
    make_run(tmp_path, mlp_config(0), layers=layer_rows([0.5, 1.0]))
    make_run(tmp_path, mlp_config(1), layers=layer_rows([0.5, 0.7, 1.0]))
    with pytest.raises(ResultsError, match="other stages"):
        drawn_runs(KIND, find_runs([tmp_path]))


def test_several_steps_are_a_row_of_panels_each(tmp_path):
    rows = layer_rows([0.5, 1.0], step=0) + layer_rows([0.25, 1.0], step=50)
    make_run(tmp_path, mlp_config(), layers=rows)
    residual = mlp_config()
    residual["architecture"]["_target_"] = "x.Residual"
    make_run(tmp_path, residual, {"architecture": "residual", "activation": "relu"}, layers=rows)
    figure = drawn_runs(KIND, find_runs([tmp_path]), "first", 50)
    assert len(figure.axes) == 4
    assert [ax.get_ylabel() for ax in figure.axes] == ["initialization", "", "step 50", ""]
    assert [ax.get_lines()[1].get_ydata()[0] for ax in figure.axes] == [0.5, 0.5, 0.25, 0.25]
    with pytest.raises(UserError, match="at most 4 step"):
        drawn_runs(KIND, find_runs([tmp_path]), 0, 1, 2, 3, 4)


def test_networks_of_one_stage_have_no_depth_to_show(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5]))
    with pytest.raises(ResultsError, match="one hidden stage each"):
        drawn_runs(KIND, find_runs([tmp_path]))


def test_networks_of_one_stage_are_left_out_beside_others(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5]))
    make_run(tmp_path, mlp_config(depth=4), layers=layer_rows([0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert len(lines_of(figure)) == 1
    assert notes_of(figure) == ["one hidden stage: depth=3"]


def test_a_group_that_lacks_one_of_the_steps_is_named(tmp_path):
    make_run(tmp_path, mlp_config(), layers=layer_rows([0.5, 1.0]) + layer_rows([0.5, 1.0], step=50))
    make_run(tmp_path, mlp_config(depth=4), layers=layer_rows([0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]), "first", 50)
    assert len(lines_of(figure)) == 3
    assert notes_of(figure) == ["not logged at step 50: depth=4"]


def test_a_dollar_sign_is_no_formula(tmp_path):
    for note in ("$x_1^$", "plain"):
        config = mlp_config(note=note)
        config["architecture"]["_target_"] = "x.$a$"
        make_run(tmp_path, config, {"architecture": "$a_^$", "activation": "relu"}, layers=layer_rows([0.5, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert any("x_1^" in text for text in legend_of(figure))
