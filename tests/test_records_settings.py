"""What tells configs apart is shown, in words, and nothing else is."""

import pytest

from tests.made_runs import mlp_config
from vgp_bench.records.settings import natural_key, tell_apart

MLP = {"architecture": "mlp", "activation": "relu"}


def resnet(**keys):
    return mlp_config() | {"architecture": {"_target_": "x.ResNet", **keys}}


def test_component_is_named_by_its_option_and_class_names_stay_hidden():
    configs = [mlp_config(activation="ReLU"), mlp_config(activation="Sigmoid")]
    found = tell_apart(configs, [MLP, MLP | {"activation": "sigmoid"}])
    assert found.names == ["activation"]
    assert found.values == [{"activation": "relu"}, {"activation": "sigmoid"}]
    assert found.constants == {
        "architecture": "mlp",
        "architecture.depth": 3,
        "optimizer": "SGD",  # no option known: the name of the class
        "optimizer.lr": 0.1,
    }


def test_keys_inside_a_component_count_only_among_runs_with_the_same_option():
    configs = [mlp_config(depth=3), resnet(blocks=9, width=16)]
    choices = [MLP, MLP | {"architecture": "resnet"}]
    assert tell_apart(configs, choices).names == ["architecture"]
    found = tell_apart([*configs, resnet(blocks=18, width=16)], [*choices, choices[1]])
    assert found.names == ["architecture", "architecture.blocks"]
    assert [row["architecture.blocks"] for row in found.values] == [None, 9, 18]


def test_seed_and_volatile_keys_never_show():
    found = tell_apart([mlp_config(seed=1, results_dir="a"), mlp_config(seed=2, results_dir="b")], [MLP, MLP])
    assert found.names == []


def test_keys_outside_components_and_missing_keys_show():
    found = tell_apart([mlp_config(), mlp_config(note=None), mlp_config(note=[1, "a"])], [MLP] * 3)
    assert found.names == ["note"]
    assert [row["note"] for row in found.values] == [None, "null", '[1,"a"]']


def test_order_follows_the_path_of_the_data_then_the_alphabet():
    changed = mlp_config(depth=5, activation="Tanh", device="cuda", alpha=1)
    changed["optimizer"]["lr"] = 0.5
    found = tell_apart([mlp_config(device="cpu"), changed], [MLP, MLP | {"activation": "tanh"}])
    assert found.names == ["architecture.depth", "activation", "optimizer.lr", "alpha", "device"]


@pytest.mark.parametrize(
    ("one", "two", "shown"),
    [
        ({"_target_": "a.X", "k": 1}, {"_target_": "b.Y", "k": 1}, {"architecture": ["mlp (X)", "mlp (Y)"]}),
        (
            {"_target_": "a.X", "part": {"_target_": "b.P"}},
            {"_target_": "a.X", "part": {"_target_": "b.Q"}},
            {"architecture.part": ["P", "Q"]},
        ),
        (
            {"_target_": "a.X", "part": None},
            {"_target_": "a.X", "part": {"_target_": "b.Q"}},
            {"architecture.part": ["null", "Q"]},
        ),
        ({"_target_": "a.X", "_partial_": True}, {"_target_": "a.X"}, {"architecture._partial_": [True, None]}),
    ],
)
def test_differences_the_option_hides_are_shown(one, two, shown):
    configs = [mlp_config() | {"architecture": one}, mlp_config() | {"architecture": two}]
    found = tell_apart(configs, [MLP, MLP])
    assert {name: [row[name] for row in found.values] for name in found.names} == shown


def test_configs_that_would_look_the_same_get_a_fingerprint():
    configs = [mlp_config() | {"architecture": {"_target_": f"{module}.X"}} for module in "ab"]
    found = tell_apart(configs, [MLP, MLP])
    assert "config" in found.names
    assert found.values[0]["config"] != found.values[1]["config"]
    texts = [mlp_config(k=1), mlp_config(k="1")]  # a number and the text of it
    assert "config" in tell_apart(texts, [MLP, MLP]).names


def test_natural_order():
    values = ["resnet110", 10, "resnet20", None, "mlp", 2, 0.5, "null"]
    assert sorted(values, key=natural_key) == [None, 0.5, 2, 10, "mlp", "null", "resnet20", "resnet110"]
    assert sorted(["a", "2a", "10a", "a2"], key=natural_key) == ["2a", "10a", "a", "a2"]


def test_a_rate_or_depth_that_differs_between_options_is_no_constant():
    adam = mlp_config() | {"optimizer": {"_target_": "torch.optim.Adam", "lr": 0.001}}
    found = tell_apart([mlp_config(), adam], [MLP | {"optimizer": "sgd"}, MLP | {"optimizer": "adam"}])
    assert found.names == ["optimizer", "optimizer.lr"]
    assert [row["optimizer.lr"] for row in found.values] == [0.1, 0.001]
    assert "optimizer.lr" not in found.constants
    found = tell_apart([mlp_config(depth=3), resnet(depth=20)], [MLP, MLP | {"architecture": "resnet"}])
    assert [row["architecture.depth"] for row in found.values] == [3, 20]
    found = tell_apart([mlp_config(depth=3), resnet(blocks=9)], [MLP, MLP | {"architecture": "resnet"}])
    assert "architecture.depth" not in {*found.names, *found.constants}  # only one has it
