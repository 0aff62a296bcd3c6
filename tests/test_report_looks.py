"""One visual language: a setting has the same colour in every figure of the same runs."""

import pytest

from tests.drawn import drawn, legend_of, lines_of, notes_of
from tests.made_runs import layer_rows, make_run, mlp_config
from tests.made_tables import make_tables, step_rows, time_rows
from vgp_bench.compare import compare
from vgp_bench.errors import UserError
from vgp_bench.records.reading import find_runs
from vgp_bench.report.drawing.looks import looks
from vgp_bench.report.plots import accuracy_depth, gradient_depth, gradient_time, learning
from vgp_bench.report.series.part import part, telling

ACTIVATIONS = ("ReLU", "Sigmoid", "Tanh")


def recurrent(folder, architecture, activation, rows, **keys):
    config = mlp_config(activation=activation, dataset={"_target_": "x.adding", "length": 9}, **keys)
    config["architecture"] = {"_target_": f"x.{architecture}"}
    words = {"architecture": architecture, "activation": activation.lower()}
    return make_tables(folder, config, words, rows, "completed")


def colours(folder, *kinds):
    """How many colours each activation has in these figures; all of them differ."""
    found = {}
    for kind in kinds:
        for line in lines_of(drawn(kind, folder)):
            activation = next(a.lower() for a in ACTIVATIONS if a.lower() in str(line.get_label()))
            found.setdefault(activation, set()).add(line.get_color())
    assert len(set.union(*found.values())) == 3
    return [len(one) for one in found.values()]


def test_a_setting_has_one_colour_in_all_figures(tmp_path):
    for architecture in ("plain", "residual"):
        for activation in ACTIVATIONS:
            for depth in (2, 3):
                config = mlp_config(0, depth, activation)
                config["architecture"]["_target_"] = f"x.{architecture.title()}"
                words = {"architecture": architecture, "activation": activation.lower()}
                make_run(tmp_path, config, words, layers=layer_rows([0.5] * depth), test_accuracy=0.5)
    assert colours(tmp_path, gradient_depth.KIND, accuracy_depth.KIND) == [1, 1, 1]


@pytest.mark.parametrize(
    ("rates", "norms"), [((0.1, 0.2), (1,)), ((0.1, 0.2), (1, 2)), ((0.1, 0.2, 0.3, 0.4, 0.5), (1,))]
)
def test_so_it_has_with_a_panel_an_architecture_and_with_one_for_all(tmp_path, rates, norms):
    """With a key beside it, with two (all properties taken), and with one of more values than there are dashes."""
    rows = [*layer_rows([0.5, 1.0]), *time_rows([1.0, 0.5]), *step_rows([1.0, 0.5])]
    for architecture in ("lstm", "rnn"):
        for activation in ACTIVATIONS:
            for rate in rates:
                for norm in norms:
                    keys = {"optimizer": {"_target_": "x.SGD", "lr": rate}, "trainer": {"clip_norm": norm}}
                    recurrent(tmp_path, architecture, activation, rows, **keys)
    assert colours(tmp_path, gradient_depth.KIND, gradient_time.KIND, learning.KIND) == [1, 1, 1]
    found = [
        (line.get_color(), str(line._dash_pattern), line.get_marker())
        for line in lines_of(drawn(gradient_time.KIND, tmp_path))
    ]
    assert len(set(found)) == len(found) == 6 * len(rates) * len(norms)


@pytest.fixture
def mixed(tmp_path):
    """Nets of two depths on one task, recurrent ones on another: they differ in much, but not in many ways."""
    for activation in ("ReLU", "Sigmoid"):
        for depth in (2, 3):
            config = mlp_config(0, depth, activation, dataset={"_target_": "x.digits", "size": 8}, loader={"batch": 64})
            make_run(tmp_path, config, layers=layer_rows([0.5] * depth))
    for architecture in ("lstm", "rnn"):
        rows = [*layer_rows([0.5]), *time_rows([1.0, 0.5])]
        recurrent(tmp_path, architecture, "Tanh", rows, loader={"batch": 32}, trainer={"max_steps": 60})
    return tmp_path


def test_mixed_folders_fill_a_figure_with_what_has_something_to_show(mixed):
    figure = drawn(gradient_depth.KIND, mixed)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["mlp"]
    assert legend_of(figure) == ["activation relu", "activation sigmoid", "depth 2", "depth 3"]
    assert notes_of(figure) == ["one hidden stage: architecture=lstm; architecture=rnn"]
    figure = drawn(gradient_time.KIND, mixed)
    assert legend_of(figure) == ["architecture lstm", "architecture rnn"]
    assert notes_of(figure) == ["not measured: architecture=mlp (4 groups)"]


def test_keys_that_others_imply_are_not_told(mixed):
    comparison = compare(find_runs([mixed]))
    assert len(comparison.settings) > 4
    assert telling(comparison) == ["architecture", "architecture.depth", "activation"]
    only = part(comparison, [i for i in comparison.groups.index if comparison.groups["architecture"][i] == "mlp"])
    assert only.settings == ["architecture.depth", "activation"]
    assert (only.constants["architecture"], list(only.groups.index), len(only.runs)) == ("mlp", [0, 1, 2, 3], 4)
    assert set(only.runs["group"]) == {group for group, _ in only.estimates.index} == {0, 1, 2, 3}


def test_a_key_that_a_group_lacks_is_a_dash_in_the_legend_and_nothing_where_none_has_it(mixed):
    comparison = compare(find_runs([mixed]))
    groups = comparison.groups
    _, channels = looks(comparison, "architecture")
    assert [list(channel.looks) for channel in channels] == [
        ["activation relu", "activation sigmoid", "activation tanh"],
        ["depth -", "depth 2", "depth 3"],
    ]
    without = [i for i in groups.index if groups["architecture"][i] != "mlp"]
    _, channels = looks(comparison, "architecture", without)
    assert [list(channel.looks) for channel in channels] == [["activation tanh"]]


def test_many_groups_without_data_do_not_forbid_a_figure_of_the_others(tmp_path):
    for width in range(5):
        for activation in ACTIVATIONS:
            for rate in (0.1, 0.2):
                for depth in (2, 3):
                    config = mlp_config(0, depth, activation, optimizer={"_target_": "x.SGD", "lr": rate})
                    config["architecture"]["width"] = 8 + width
                    rows = layer_rows([0.5, 1.0]) if (width, activation, rate) == (0, "ReLU", 0.1) else ()
                    make_run(tmp_path, config, layers=rows)
    with pytest.raises(UserError, match="60 settings differ in 4 keys"):
        looks(compare(find_runs([tmp_path])), None)
    assert legend_of(drawn(gradient_depth.KIND, tmp_path)) == ["depth 2", "depth 3"]
