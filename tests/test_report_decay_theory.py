"""Theory against measurement: the points and words of the figure, on runs whose decay is put in by hand."""

import pytest

from tests.drawn import drawn, ink, legend_of, lines_of, notes_of, title_of
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.errors import ResultsError
from vgp_bench.report.drawing.style import COLOURS
from vgp_bench.report.plots.decay_theory import KIND

HE = {
    "_target_": "vgp_bench.components.initializers.VarianceScaling",
    "fan": "in",
    "gain": 2**0.5,
    "bias_mean": 0.0,
    "bias_std": 0.0,
}


def run(folder, decay, seed=0, depth=20, activation="ReLU", **keys):
    config = mlp_config(seed, depth, activation, **{"initializer": HE, **keys})
    return make_run(folder, config, initial_decay_per_layer=decay)


def test_a_group_is_a_point_at_prediction_and_mean_with_its_interval(tmp_path):
    for seed, decay in enumerate((0.9, 1.0, 1 / 0.9)):
        run(tmp_path, decay, seed)
    run(tmp_path, 0.32, activation="Sigmoid")
    figure = drawn(KIND, tmp_path)
    (ax,) = figure.axes
    relu, sigmoid = lines_of(figure, "point")
    assert relu.get_label() == "activation=relu"
    assert (relu.get_xdata()[0], relu.get_ydata()[0]) == pytest.approx((1.0, 1.0))
    assert sigmoid.get_xdata()[0] == pytest.approx(0.3178, abs=1e-4)
    assert sigmoid.get_ydata()[0] == pytest.approx(0.32)
    bar = next(c for c in ax.collections if hasattr(c, "get_segments"))
    # t at 2 degrees of freedom 4.303; the deviation of the logarithms is -ln 0.9 = 0.10536
    assert bar.get_segments()[0][1][1] == pytest.approx(2.718281828 ** (4.303 * 0.10536 / 3**0.5), rel=1e-3)
    (identity,) = lines_of(figure, "identity")
    assert list(identity.get_xdata()) == list(identity.get_ydata())
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    (band,) = [c for c in ax.collections if c.get_gid() == "tolerance"]
    x, y = band.get_paths()[0].vertices.T
    assert (y / x).min() == pytest.approx(0.95)
    assert (y / x).max() == pytest.approx(1.05)
    assert "predicted" in figure.get_supxlabel()
    assert "measured" in figure.get_supylabel()
    assert legend_of(figure) == ["activation relu", "activation sigmoid", "equal ± 5 %"]
    assert title_of(figure).endswith("geometric mean of 1 to 3 seeds")
    assert ink(figure, tmp_path, COLOURS[1]) > 20
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert low < 0.3178 < 1.2 < high


def test_colour_and_marker_tell_two_keys_apart(tmp_path):
    normal = {"_target_": "vgp_bench.components.initializers.NormalWeights", "mean": 0.0, "std": 0.1}
    for activation in ("ReLU", "Tanh"):
        run(tmp_path, 0.9, activation=activation)
        run(tmp_path, 0.8, activation=activation, initializer=normal)
    looks = {(point.get_color(), point.get_marker()) for point in lines_of(drawn(KIND, tmp_path), "point")}
    assert looks == {(colour, marker) for colour in COLOURS[:2] for marker in "os"}


def test_what_has_no_closed_form_is_named_and_counted_below(tmp_path):
    run(tmp_path, 1.0)
    for activation in ("Mish", "Softplus"):
        run(tmp_path, 1.0, activation=activation)
    run(tmp_path, 1.0, width=3, normalizer={"_target_": "x.BatchNorm"})
    run(tmp_path, 1.0, width=4, normalizer={"_target_": "x.BatchNorm"})
    make_run(tmp_path, mlp_config(depth=30, initializer=HE))
    figure = drawn(KIND, tmp_path)
    assert len(lines_of(figure, "point")) == 1
    assert sorted(notes_of(figure)) == [
        "no closed form: activation Mish (1 group)",
        "no closed form: activation Softplus (1 group)",
        "no closed form: normalizer BatchNorm (2 groups)",
        "no decay at initialization was measured (1 group)",
    ]
    run(tmp_path / "b", 1.0, activation="Mish")
    with pytest.raises(ResultsError, match="nothing to compare with theory: no closed form: activation Mish"):
        drawn(KIND, tmp_path / "b")


def test_shallow_nets_are_hollow(tmp_path):
    run(tmp_path, 0.9, depth=7)
    run(tmp_path, 1.0, depth=8)
    figure = drawn(KIND, tmp_path)
    assert [point.get_markerfacecolor() == "none" for point in lines_of(figure, "point")] == [True, False]
    assert legend_of(figure) == ["equal ± 5 %", "under 8 hidden layers"]


def test_a_run_that_broke_before_its_summary_still_counts(tmp_path):
    config = mlp_config(0, 4, initializer=HE)
    make_run(tmp_path, config, state="failed", layers=layer_rows([0.125, 0.25, 0.5, 1.0]))
    assert lines_of(drawn(KIND, tmp_path), "point")[0].get_ydata()[0] == pytest.approx(0.5)
