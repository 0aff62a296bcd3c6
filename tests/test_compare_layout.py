"""Which runs, in which cells, against which baseline: by hand, and every refusal."""

import math

import pytest

from tests.made_runs import make_run, mlp_config
from vgp_bench.compare import against, choose, compare, paired, pivot
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import find_runs

T2 = 4.303  # Student's t, 97.5 % quantile, 2 degrees of freedom, from a printed table


@pytest.fixture
def runs(tmp_path):
    for depth in (3, 20):
        for activation in ("ReLU", "Sigmoid"):
            for seed in range(3):
                good = 0.9 if activation == "ReLU" else 0.5
                make_run(tmp_path, mlp_config(seed, depth, activation), test_accuracy=good + 0.01 * seed * depth / 3,
                         initial_gradient_ratio=(1.0 if activation == "ReLU" else 0.01) * 10.0**-seed)  # fmt: skip
    return find_runs([tmp_path])


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        (["depth=20"], 6),
        (["depth=20.0", "seed=0,2"], 4),
        (["activation=Sigmoid"], 6),
        (["activation=relu,sigmoid"], 12),
        (["architecture=MLP"], 12),
        (["optimizer.lr=0.1"], 12),
    ],
)
def test_where(runs, conditions, left):
    assert len(choose(runs, conditions)) == left


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        ("depth=7", ResultsError, "--where depth=7: no run is left; architecture.depth is 3, 20 in the others"),
        ("dept=3", UserError, "--where dept: no such key. Did you mean architecture.depth?"),
        ("depth", UserError, "--where depth: write key=value, say --where depth=20"),
        ("depth=", UserError, "--where depth=: write key=value"),
        ("_target_=x", UserError, "--where _target_: no such key"),
    ],
)
def test_where_refuses(runs, condition, error, message):
    with pytest.raises(error) as caught:
        choose(runs, [condition])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_ambiguous_short_name_is_refused_and_one_that_differs_is_preferred(tmp_path):
    for width in (1, 2):
        config = mlp_config()
        config["architecture"]["width"] = width
        make_run(tmp_path, config | {"optimizer": {"_target_": "x.Y", "width": 5}}, test_accuracy=0.5)
    runs = find_runs([tmp_path])
    assert len(choose(runs, ["width=2"])) == 1
    make_run(tmp_path, mlp_config() | {"optimizer": {"_target_": "x.Y", "width": 6}}, test_accuracy=0.5)
    with pytest.raises(UserError, match=r"could be architecture\.width or optimizer\.width; write it in full"):
        choose(find_runs([tmp_path]), ["width=2"])


def test_a_list_is_one_value(tmp_path):
    for betas in ([0.9, 0.99], [0.5, 0.99]):
        make_run(tmp_path, mlp_config(betas=betas), test_accuracy=0.5)
    assert len(choose(find_runs([tmp_path]), ["betas=[0.9,0.99]"])) == 1


def test_pivot_lays_each_group_into_its_cell(runs):
    comparison = compare(runs)
    layout = pivot(comparison, ["activation"], ["depth"])
    assert layout.rows == ["activation"]
    assert layout.columns == ["architecture.depth"]
    assert layout.column_values == [(3,), (20,)]
    for (row, column), group in layout.cells.items():
        assert comparison.name(group) == f"architecture.depth={column[0]}, activation={row[0]}"
    assert pivot(comparison, [], ["depth"]).rows == ["activation"]
    assert pivot(comparison, ["depth", "activation", "architecture"]).row_values[0] == (3, "relu", "mlp")


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (["depth"], [], "differ in activation: relu, sigmoid; add activation to --rows or --columns, or choose with "
         "--where activation=VALUE"),
        (["architecture"], ["activation"], "differ in architecture.depth: 3, 20; add architecture.depth to"),
        (["dpeth"], [], "--rows dpeth: no such key. Did you mean architecture.depth? There are: architecture.depth, a"),
        (["depth"], ["architecture.depth"], "architecture.depth is named twice"),
    ],
)  # fmt: skip
def test_pivot_refuses_to_mix(runs, rows, columns, message):
    with pytest.raises(UserError) as caught:
        pivot(compare(runs), rows, columns)
    assert message in str(caught.value)


def test_paired_differences_by_hand():
    # differences 1, 2, 3: mean 2, standard deviation 1
    e = paired({0: 11, 1: 22, 2: 33, 3: 5}, {0: 10, 1: 20, 2: 30, 9: 1})
    assert e == pytest.approx((3, 2.0, 2 - T2 / math.sqrt(3), 2 + T2 / math.sqrt(3)), rel=1e-3)
    # factors e^0, e^1, e^2
    e = paired({0: 1.0, 1: math.e, 2: math.e**2}, {0: 1.0, 1: 1.0, 2: 1.0}, geometric=True)
    assert e.mean == pytest.approx(math.e)
    assert e.high == pytest.approx(math.exp(1 + T2 / math.sqrt(3)), rel=2e-3)
    assert paired({0: math.inf, 1: 5.0}, {0: 1.0, 1: 4.0})[:2] == (1, 1.0)  # never reached: no pair
    assert paired({0: 0.0, 1: 0.5}, {0: 0.0, 1: 0.25}, geometric=True)[:2] == (1, pytest.approx(2.0))


def test_baseline_pairs_equal_seeds_of_otherwise_equal_settings(runs):
    comparison = compare(runs)
    found = against(comparison, "activation=relu")
    assert [comparison.name(partner) for partner in found.partner] == [
        "architecture.depth=3, activation=relu", "architecture.depth=3, activation=relu",
        "architecture.depth=20, activation=relu", "architecture.depth=20, activation=relu",
    ]  # fmt: skip
    assert found.states == ["baseline", "3", "baseline", "3"]
    assert found.differences[1, "test_accuracy"] == pytest.approx((3, -0.4, -0.4, -0.4))
    assert found.differences[1, "initial_gradient_ratio"] == pytest.approx((3, 0.01, 0.01, 0.01))
    assert found.differences[0, "test_accuracy"].n == 0


def test_only_seeds_completed_in_both_are_pairs(tmp_path):
    for activation, states in (("ReLU", ["completed", "diverged", "completed"]), ("Sigmoid", ["completed"] * 3)):
        for seed, state in enumerate(states):
            accuracy = 0.5 + 0.1 * seed + (0.2 if activation == "ReLU" else 0)
            make_run(tmp_path, mlp_config(seed, 3, activation), state=state, test_accuracy=accuracy)
    make_run(tmp_path, mlp_config(7, 3, "Tanh"), test_accuracy=0.1)
    make_run(tmp_path, mlp_config(0, 4, "Tanh"), test_accuracy=0.1)
    found = against(compare(find_runs([tmp_path])), "activation=relu")
    assert found.states == ["baseline", "2", "no common seed", "none"]
    assert found.differences[1, "test_accuracy"][:2] == (2, pytest.approx(-0.2))


def test_keys_inside_the_changed_option_may_differ_if_one_candidate_is_left(tmp_path):
    def config(seed, **optimizer):
        return mlp_config(seed) | {"optimizer": optimizer}

    words = {"architecture": "mlp", "activation": "relu"}
    for momentum in (0.0, 0.9):
        make_run(tmp_path, config(0, _target_="x.SGD", momentum=momentum), words, test_accuracy=0.5)
    make_run(tmp_path, config(0, _target_="x.Adam", eps=0.1), words, test_accuracy=0.75)
    comparison = compare(find_runs([tmp_path]))
    assert against(comparison, "optimizer=Adam").states == ["baseline", "1", "1"]
    assert against(comparison, "optimizer=SGD").states == ["none", "baseline", "baseline"]
    assert against(comparison, "optimizer=SGD,momentum=0.9").states[0] == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("activation=tanh", "--baseline activation=tanh: no run has activation=tanh; there are: relu, sigmoid"),
        (
            "architecture=mlp",
            "all runs agree on architecture; choose a key in which they differ: architecture.depth, a",
        ),
        ("relu", "--baseline relu: write key=value"),
        ("", "write key=value"),
        ("activaton=relu", "Did you mean activation?"),
    ],
)
def test_baseline_refuses(runs, text, message):
    with pytest.raises(UserError) as caught:
        against(compare(runs), text)
    assert message in str(caught.value)


def test_a_key_that_both_have_must_agree_also_inside_the_changed_option(tmp_path):
    def run(architecture, depth, accuracy, **keys):
        config = mlp_config(0, depth)
        config["architecture"] = {"_target_": f"x.{architecture}", "depth": depth, **keys}
        make_run(tmp_path, config, {"architecture": architecture, "activation": "relu"}, test_accuracy=accuracy)

    run("mlp", 20, 0.5)
    run("residual", 3, 0.8, scale=1)
    run("residual", 20, 0.9, scale=1)
    comparison = compare(find_runs([tmp_path]))
    found = against(comparison, "architecture=mlp")
    place = {(row["architecture"], row["architecture.depth"]): i for i, row in comparison.groups.iterrows()}
    assert found.partner[place["residual", 3]] is None  # there is no mlp of depth 3
    assert found.partner[place["residual", 20]] == place["mlp", 20]  # which has no scale: that says nothing
    assert found.differences[place["residual", 20], "test_accuracy"].mean == pytest.approx(0.4)


def test_a_group_with_all_settings_equal_goes_before_one_that_lacks_some(tmp_path):
    for name, keys, accuracy in (
        ("sgd", {"momentum": 0.5}, 0.5),
        ("sgd", {"momentum": 0.9}, 0.6),
        ("adam", {"momentum": 0.5}, 0.9),
        ("adam", {}, 0.8),
    ):
        config = mlp_config() | {"optimizer": {"_target_": f"x.{name}", "lr": 0.1, **keys}}
        words = {"architecture": "mlp", "activation": "relu", "optimizer": name}
        make_run(tmp_path, config, words, test_accuracy=accuracy)
    comparison = compare(find_runs([tmp_path]))
    found = against(comparison, "optimizer=sgd")
    place = {(row["optimizer"], row["optimizer.momentum"]): i for i, row in comparison.groups.iterrows()}
    assert found.differences[place["adam", 0.5], "test_accuracy"].mean == pytest.approx(0.4)
    assert found.partner[place["adam", None]] is None  # two candidates, and nothing to choose by


def test_a_seed_run_twice_is_one_pair(tmp_path):
    for name in ("a", "b"):
        make_run(tmp_path, mlp_config(0, 3, experiment_name=name), test_accuracy=0.5 if name == "a" else 0.7)
    make_run(tmp_path, mlp_config(0, 20), test_accuracy=0.9)
    comparison = compare(find_runs([tmp_path]))
    (counted,) = (run for run in comparison.runs.to_dict("records") if run["group"] == 0 and run["counted"])
    found = against(comparison, "depth=3")
    assert found.pairs[1] == 1
    assert found.differences[1, "test_accuracy"].mean == pytest.approx(0.9 - counted["test_accuracy"])


def test_a_baseline_key_named_twice_is_refused(runs):
    with pytest.raises(UserError, match="named twice"):
        against(compare(runs), "depth=3,depth=20")
