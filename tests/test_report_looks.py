"""One visual language: a setting has the same colour in every figure of the same runs."""

from tests.drawn import drawn, lines_of
from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.report.plots import accuracy_depth, gradient_depth


def test_a_setting_has_one_colour_in_all_figures(tmp_path):
    for architecture in ("plain", "residual"):
        for activation in ("ReLU", "Sigmoid", "Tanh"):
            for depth in (2, 3):
                config = mlp_config(0, depth, activation)
                config["architecture"]["_target_"] = f"x.{architecture.title()}"
                words = {"architecture": architecture, "activation": activation.lower()}
                make_run(tmp_path, config, words, layers=layer_rows([0.5] * depth), test_accuracy=0.5)
    colours = {}
    for kind in (gradient_depth.KIND, accuracy_depth.KIND):
        for line in lines_of(drawn(kind, tmp_path)):
            activation = next(a for a in ("relu", "sigmoid", "tanh") if a in str(line.get_label()))
            colours.setdefault(activation, set()).add(line.get_color())
    assert [len(found) for found in colours.values()] == [1, 1, 1]
    assert len(set.union(*colours.values())) == 3
