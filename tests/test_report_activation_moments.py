"""The figure of the activations' moments along depth: numbers, axes, words, what cannot be drawn."""

import matplotlib.image
import numpy as np
import pytest

from tests.drawn import drawn_runs, lines_of, notes_of, title_of
from tests.made_runs import layer_row, make_run, mlp_config
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.saving import save
from vgp_bench.report.drawing.style import COLOURS
from vgp_bench.report.plots.activation_moments import KIND


def rows_at(means, deviations, step=0, nonfinite=()):
    """Hidden stages two weight layers apart, and an output that is not shown."""
    hidden = [
        layer_row(
            step=step,
            stage=i,
            kind="hidden",
            depth=1 + 2 * i,
            activation_mean=mean,
            activation_std=deviation,
            nonfinite_activations=int(i in nonfinite),
        )
        for i, (mean, deviation) in enumerate(zip(means, deviations, strict=True))
    ]
    last = len(hidden)
    output = layer_row(
        step=step, stage=last, kind="output", depth=1 + 2 * last, activation_mean=9.0, activation_std=9.0
    )
    return [*hidden, output]


def test_mean_above_linear_and_deviation_below_logarithmic(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at([-1.0, 0.5, 2.0], [1.0, 0.1, 1e-3]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    above, below = figure.axes
    (mean,), (deviation,) = lines_of(above), lines_of(below)
    assert list(mean.get_xdata()) == list(deviation.get_xdata()) == [1, 3, 5]
    assert list(mean.get_ydata()) == [-1.0, 0.5, 2.0]
    assert list(deviation.get_ydata()) == pytest.approx([1.0, 0.1, 1e-3])
    assert (above.get_yscale(), below.get_yscale()) == ("linear", "log")
    assert above.get_ylim()[0] < -1 < 2 < above.get_ylim()[1]
    assert below.get_ylim()[0] < 1e-3 < 1 < below.get_ylim()[1]
    assert (above.get_ylabel(), below.get_ylabel()) == ("mean of $h_l$", "standard deviation of $h_l$")
    assert "weight layers from the input" in figure.get_supxlabel()
    assert title_of(figure) == "Activations at initialization, one seed"


def test_seeds_are_mean_and_median_in_their_range(tmp_path):
    for seed, (mean, deviation) in enumerate(((0.0, 1e-4), (1.0, 1e-2), (5.0, 1e-1))):
        make_run(tmp_path, mlp_config(seed), layers=rows_at([mean, 0.0], [deviation, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    above, below = figure.axes
    assert lines_of(above)[0].get_ydata()[0] == pytest.approx(2.0)
    assert lines_of(below)[0].get_ydata()[0] == pytest.approx(1e-2)
    for ax, expected in ((above, (0.0, 5.0)), (below, (1e-4, 1.0))):
        (band,) = ax.collections
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx(expected)
    assert title_of(figure) == "Activations at initialization, mean (below: median) and range of 3 seeds"


def test_a_panel_an_architecture_and_a_legend_of_what_differs(tmp_path):
    for architecture in ("mlp", "residual_mlp"):
        for activation, mean in (("ReLU", 0.5), ("Tanh", -0.5)):
            config = mlp_config(activation=activation)
            config["architecture"]["_target_"] = f"x.{architecture}"
            words = {"architecture": architecture, "activation": activation.lower()}
            make_run(tmp_path, config, words, layers=rows_at([mean, mean], [1.0, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["mlp", "residual_mlp", "", ""]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["activation relu", "activation tanh"]
    for ax in figure.axes[:2]:
        found = {line.get_label().split("activation=")[1]: line for line in lines_of(ax)}
        assert [found[name].get_ydata()[0] for name in ("relu", "tanh")] == [0.5, -0.5]
        assert [found[name].get_color() for name in ("relu", "tanh")] == list(COLOURS[:2])


def test_no_deviation_at_all_and_values_that_are_not_finite_are_marked(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at([0.5, 0.0, 1.0], [1.0, 0.0, 2.0], nonfinite={2}))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    above, below = figure.axes
    assert [list(line.get_xdata()) for line in lines_of(below, "zero")] == [[3]]
    assert lines_of(above, "zero") == []
    for ax in (above, below):
        assert [list(line.get_xdata()) for line in lines_of(ax, "nonfinite")] == [[5]]
        assert np.isfinite(lines_of(ax)[0].get_ydata()).tolist()[2] is False
    assert lines_of(above)[0].get_ydata()[1] == 0.0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["exactly 0", "not finite"]


def test_the_step_is_chosen_and_named(tmp_path):
    rows = [row for step in (0, 50, 90) for row in rows_at([step / 10, 1.0], [1.0, 1.0], step)]
    make_run(tmp_path, mlp_config(), layers=rows)
    runs = find_runs([tmp_path])
    for asked, mean, words in (("last", 9.0, "at step 90"), (50, 5.0, "at step 50")):
        figure = drawn_runs(KIND, runs, asked)
        assert lines_of(figure.axes[0])[0].get_ydata()[0] == mean
        assert title_of(figure) == f"Activations {words}, one seed"
    make_run(tmp_path, mlp_config(seed=1), layers=rows_at([0.0, 0.0], [1.0, 1.0], step=70))
    assert "at the last step (70 to 90)" in title_of(drawn_runs(KIND, find_runs([tmp_path]), "last"))
    with pytest.raises(ResultsError, match="step 7 was not logged; choose first, last or one of 0, 50, 90"):
        drawn_runs(KIND, runs, 7)
    with pytest.raises(UserError, match="activation-moments shows at most 1 step"):
        drawn_runs(KIND, runs, 0, 50)


def test_runs_without_moments_and_with_other_stages(tmp_path):
    make_run(tmp_path, mlp_config(depth=9))
    with pytest.raises(ResultsError, match="no activation was measured in these runs; run them with the monitor on"):
        drawn_runs(KIND, find_runs([tmp_path]))
    make_run(tmp_path, mlp_config(), layers=rows_at([0.0, 0.0], [1.0, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert [len(ax.texts) for ax in figure.axes] == [0, 0]
    assert notes_of(figure) == ["not measured: depth=9"]
    make_run(tmp_path, mlp_config(seed=1), layers=rows_at([0.0], [1.0]))
    with pytest.raises(ResultsError, match="other stages"):
        drawn_runs(KIND, find_runs([tmp_path]))


def test_ink_in_both_rows(tmp_path):
    make_run(tmp_path, mlp_config(), layers=rows_at([1.0, 2.0, 3.0], [3.0, 0.5, 0.1]))
    pixels = matplotlib.image.imread(save(drawn_runs(KIND, find_runs([tmp_path])), tmp_path / "a.png"))[:, :, :3]
    rgb = np.array([int(COLOURS[0][i : i + 2], 16) for i in (1, 3, 5)]) / 255
    ink = np.abs(pixels - rgb).max(axis=2) < 0.02
    half = len(ink) // 2
    assert min(ink[:half].sum(), ink[half:].sum()) > 500


def test_networks_of_one_stage_have_no_line(tmp_path):
    make_run(tmp_path, mlp_config(depth=1), layers=rows_at([0.5], [1.0]))
    with pytest.raises(ResultsError, match="one hidden stage each, and nothing changes along depth; for recurrent"):
        drawn_runs(KIND, find_runs([tmp_path]))
    make_run(tmp_path, mlp_config(depth=2), layers=rows_at([0.5, 0.5], [1.0, 1.0]))
    figure = drawn_runs(KIND, find_runs([tmp_path]))
    assert [line.get_label() for line in lines_of(figure.axes[0])] == ["architecture.depth=2"]
    assert notes_of(figure) == ["one hidden stage: depth=1"]
