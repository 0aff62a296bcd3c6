"""Studies as files: which cells they span, counted by hand, and which are refused."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.composing import names_on_disk
from vgp_bench.cli import main
from vgp_bench.composition import compose
from vgp_bench.config import ComposedRun

HEAD = "# @package _global_\nhydra:\n  mode: MULTIRUN\n  sweeper:\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(parts: str, head: str = HEAD) -> list[str]:
    """The words that run a study with these parts."""
    Path("mine/experiment").mkdir(parents=True, exist_ok=True)
    lines = "\n".join(f"    {line}" for line in parts.strip().splitlines())
    Path("mine/experiment/study.yaml").write_text(f"{head}{lines}\n")
    return ["--config-dir", "mine", "experiment=study"]


def key(run: ComposedRun, name: str) -> object:
    if name in run.choices:
        return run.choices[name]
    group, _, rest = name.partition(".")
    return run.config[group][rest] if rest else run.config[group]


def spanned(parts: str, *words: str, keys: Sequence[str]) -> list[tuple[object, ...]]:
    """The values of these keys in every run."""
    return [tuple(key(run, name) for name in keys) for run in compose([*write(parts), *words])]


DEPTH, STEPS, CLIP = "architecture.depth", "trainer.max_steps", "trainer.clip_norm"


def test_a_grid_is_every_combination_the_last_key_fastest() -> None:
    found = spanned("params: {architecture.depth: '2,3', seed: 'range(0,2)'}", keys=[DEPTH, "seed"])
    assert found == [(2, 0), (2, 1), (3, 0), (3, 1)]


def test_zipped_keys_go_in_pairs_and_combine_with_the_rest() -> None:
    parts = "zip: {architecture.depth: '2,3', trainer.max_steps: '10,20'}\nparams: {seed: '0,1'}"
    assert spanned(parts, keys=["seed", DEPTH, STEPS]) == [(0, 2, 10), (0, 3, 20), (1, 2, 10), (1, 3, 20)]


def test_two_zips_are_two_axes() -> None:
    parts = """
zip:
  - {architecture.depth: '2,3', trainer.max_steps: '10,20'}
  - {seed: '0,1', optimizer.lr: '0.1,0.2'}
"""
    found = spanned(parts, keys=[DEPTH, STEPS, "seed", "optimizer.lr"])
    assert found == [(2, 10, 0, 0.1), (2, 10, 1, 0.2), (3, 20, 0, 0.1), (3, 20, 1, 0.2)]


def test_points_have_keys_of_their_own_and_may_be_small_grids() -> None:
    parts = """
points:
  - {architecture: mlp, architecture.depth: '2,3'}
  - {architecture: plain_cnn}
seeds: 2
"""
    found = spanned(parts, keys=["architecture", DEPTH, "seed"])
    default = key(compose(["architecture=plain_cnn"])[0], DEPTH)
    assert found == [
        *(("mlp", depth, seed) for depth in (2, 3) for seed in (0, 1)),
        *(("plain_cnn", default, seed) for seed in (0, 1)),
    ]


def test_an_exclusion_takes_out_where_all_its_keys_match() -> None:
    parts = """
params: {activation: 'relu,tanh,sigmoid', architecture.depth: '2,20'}
exclude: {activation: 'tanh,sigmoid', architecture.depth: 20}
"""
    assert spanned(parts, keys=["activation", DEPTH]) == [("relu", 2), ("relu", 20), ("tanh", 2), ("sigmoid", 2)]


def test_an_exclusion_may_name_what_the_study_does_not_vary_and_numbers_in_any_form() -> None:
    parts = "params: {optimizer.lr: '0.001,0.1'}\nexclude: [{normalizer: none, optimizer.lr: 1e-3}]"
    assert spanned(parts, keys=["optimizer.lr"]) == [(0.1,)]
    assert spanned(parts, "normalizer=batch", keys=["optimizer.lr"]) == [(0.001,), (0.1,)]


def test_a_conditional_key_is_set_where_it_fits_and_nowhere_else() -> None:
    parts = """
params: {architecture: 'rnn,lstm', dataset: adding, activation: tanh, seed: '0,1'}
when:
  - {if: {architecture: rnn, seed: 1}, set: {trainer.clip_norm: 1.0, optimizer: adam}}
"""
    runs = compose(write(parts))
    assert [(key(run, CLIP), run.choices["optimizer"]) for run in runs] == [
        (None, "sgd"), (1.0, "adam"), (None, "sgd"), (None, "sgd"),
    ]  # fmt: skip
    assert [run.label for run in runs] == [
        f"architecture={name} seed={seed}" for name in ("rnn", "lstm") for seed in (0, 1)
    ]


def test_the_command_line_takes_the_place_of_a_key_of_the_file() -> None:
    parts = """
zip: {architecture.depth: '2,3', trainer.max_steps: '10,20'}
params: {activation: 'relu,tanh'}
exclude: {activation: tanh, architecture.depth: 3}
when: [{if: {activation: relu}, set: {trainer.clip_norm: 1.0}}]
seeds: 3
"""
    keys = ["activation", DEPTH, STEPS, "seed", CLIP]
    # 2 x 2 x 3 cells without the 3 of (tanh, 3)
    assert len(spanned(parts, keys=keys)) == 9
    assert spanned(parts, "activation=relu", "seed=7", keys=keys) == [("relu", 2, 10, 7, 1), ("relu", 3, 20, 7, 1)]
    # Without the depths the two pairs still differ, without both keys they are one.
    assert len(spanned(parts, "activation=relu", "seed=7", f"{DEPTH}=5", keys=keys)) == 2
    assert spanned(parts, "activation=relu", "seed=7", f"{DEPTH}=5", f"{STEPS}=1", keys=keys) == [("relu", 5, 1, 7, 1)]
    assert {run[4] for run in spanned(parts, f"{CLIP}=2", keys=keys)} == {2}
    assert [run[3] for run in spanned(parts, "seeds=2", "activation=relu", f"{DEPTH}=2", f"{STEPS}=1", keys=keys)] == [
        0, 1,
    ]  # fmt: skip


def test_a_list_of_yaml_is_a_list_of_values() -> None:
    parts = "zip: {architecture.depth: [2, 3], trainer.max_steps: [10, 20]}\nparams: {activation: [relu, tanh]}"
    found = spanned(parts, keys=["activation", DEPTH, STEPS])
    assert found == [("relu", 2, 10), ("relu", 3, 20), ("tanh", 2, 10), ("tanh", 3, 20)]
    parts = "params: {seed: [0, 1, 2]}\nexclude: {seed: [0, 2]}"
    assert spanned(parts, keys=["seed"]) == [(1,)]


def test_a_file_with_a_grid_is_a_study_though_it_does_not_say_so() -> None:
    head = "# @package _global_\nhydra:\n  sweeper:\n"
    words = write("params: {seed: '1,2'}", head)
    for flags in ([], ["-m"]):
        assert [run.config["seed"] for run in compose([*words, *flags, "activation=tanh"])] == [1, 2]
    assert [run.config["seed"] for run in compose(write("seeds: 3", head))] == [0, 1, 2]


def test_a_key_that_takes_the_place_of_half_a_pair_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    parts = (
        "zip: {architecture.depth: '2,3', trainer.max_steps: '10,20'}\npoints: [{seed: 1, activation: tanh}, {seed: 2}]"
    )
    told = "vgp-bench: note: {} of the command line stands in every entry of hydra.sweeper.{}; {} vary as before\n"
    assert spanned(parts, f"{STEPS}=1", keys=[DEPTH, STEPS, "seed"]) == [(2, 1, 1), (2, 1, 2), (3, 1, 1), (3, 1, 2)]
    assert capsys.readouterr().err == told.format(STEPS, "zip", DEPTH)
    assert len(spanned(parts, "activation=relu", keys=["seed"])) == 4
    assert capsys.readouterr().err == told.format("activation", "points", "seed")
    # Whole pairs replaced, or a key that stands in no pair: nothing to be told.
    assert len(spanned(parts, f"{STEPS}=1", f"{DEPTH}=2", "optimizer=adam", keys=["seed"])) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "seeds"),
    [(["seeds=3"], [0, 1, 2]), (["-m", "seeds=2"], [0, 1]), (["seeds=1"], [0]), (["--multirun", "seeds=2"], [0, 1])],
)
def test_seeds_on_the_command_line(words: list[str], seeds: list[int]) -> None:
    assert [run.config["seed"] for run in compose(words)] == seeds


def test_seeds_do_not_hinder_a_look_at_the_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--cfg", "job", "seeds=3"]) == 0
    assert "\nseed: 0\n" in capsys.readouterr().out


Refusal = Callable[[list[str]], str]


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Refusal:
    def of(words: list[str]) -> str:
        assert main(["run", *words]) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        assert not Path("results").exists()
        return printed.err.removeprefix("vgp-bench: ").rstrip("\n")

    return of


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            "zip: {architecture.depth: '2,3,4', trainer.max_steps: '10,20'}",
            "hydra.sweeper.zip: architecture.depth has 3, trainer.max_steps has 2 values; values in pairs need as many "
            "of each key",
        ),
        ("zip: [2]", "hydra.sweeper.zip: write KEY: VALUES, or a list of such entries"),
        ("points: mlp", "hydra.sweeper.points: write KEY: VALUES, or a list of such entries"),
        (
            "params: {seed: '0,1'}\nexclude: [{seed: 2}]",
            "hydra.sweeper.exclude: {seed: 2} matches no run of this study; mend it or leave it out",
        ),
        (
            "params: {seed: '0,1'}\nexclude: [{architecture.dept: 2}]",
            "hydra.sweeper.exclude: {architecture.dept: 2}: no run of this study has the key architecture.dept",
        ),
        ("params: {seed: '0,1'}\nexclude: [{seed: '0,1'}]", "the study is empty: hydra.sweeper.exclude leaves no run"),
        (
            "params: {seed: '0,1'}\nwhen: [{if: {seed: 2}, set: {trainer.clip_norm: 1}}]",
            "hydra.sweeper.when: {seed: 2} matches no run of this study; mend it or leave it out",
        ),
        (
            "params: {seed: '0,1'}\nwhen: [{if: {seed: 0}}]",
            "hydra.sweeper.when: each entry is {if: {KEY: VALUE}, set: {KEY: VALUE}}",
        ),
        (
            "params: {seed: '0,1'}\nseeds: 2",
            "hydra.sweeper: seed is in params and in seeds; name it once",
        ),
        (
            "params: {architecture.depth: 2}\npoints: [{architecture.depth: 3}]",
            "hydra.sweeper: architecture.depth is in params and in points; name it once",
        ),
        ("seeds: 0", "hydra.sweeper.seeds=0: how many, 1 or more; 3 is seed=0,1,2"),
        ("seeds: many", "hydra.sweeper.seeds=many: how many, 1 or more; 3 is seed=0,1,2"),
        ("params: {seed: 'range(0,0)'}", "the sweep is empty: one of its keys has no values"),
        ("params: {seed: 'interval(0,1)'}", "seed=interval(0,1): a sweep takes single values, say depth=2,20, "
         "and no interval"),
        ("params: {seed: '0,'}", "seed=0,: cannot be read; separate values by commas, say depth=2,20"),
        (
            "params: {architecture.dpth: '2,3'}",
            "architecture.dpth: architecture has no such key. Did you mean depth? There are: depth, width.",
        ),
        (
            "params: {seed: '0,1'}\nwhen: [{if: {seed: 0}, set: {trainer.clipnorm: 1}}]",
            "trainer.clipnorm: trainer has no such key. Did you mean clip_norm? ",
        ),
        ("params: {activation: 'relu,rleu'}", "activation=rleu: no such activation. Did you mean relu? "),
        ("params: {seed: '0,x'}", "seed=x: expected an integer"),
        ("exclud: [{seed: 0}]", "hydra.sweeper.exclud: a study has no such part. Did you mean exclude? There are: "),
    ],
)  # fmt: skip
def test_impossible_studies_get_one_line_before_anything_runs(parts: str, message: str, refusal: Refusal) -> None:
    assert refusal(write(parts)).startswith(message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seeds=3", "seed=1"], "seeds=3 and seed=1: name the seeds in one way"),
        (["seeds=3", "seeds=1"], "seeds=3 and seeds=1: name the seeds in one way"),
        (["seeds=0"], "seeds=0: how many seeds, 1 or more; seeds=3 is seed=0,1,2"),
        (["seeds=0,1"], "seeds=0,1: how many seeds, 1 or more; seeds=3 is seed=0,1,2"),
    ],
)
def test_impossible_seeds(words: list[str], message: str, refusal: Refusal) -> None:
    assert refusal(words) == message


def test_the_demonstration_is_what_its_header_says() -> None:
    assert "long_memory" in names_on_disk("experiment")
    runs = compose(["experiment=long_memory"])
    # 3 lengths x 3 architectures without (25, lstm) and (25, gru), 2 seeds each
    assert len(runs) == 14
    assert len(compose(["experiment=long_memory", "seeds=5"])) == 35
    assert {key(run, CLIP) for run in runs if run.choices["architecture"] == "rnn"} == {1.0}
    assert {key(run, CLIP) for run in runs if run.choices["architecture"] != "rnn"} == {None}
    steps = {key(run, "dataset.length"): key(run, STEPS) for run in runs}
    assert steps == {25: 400, 50: 700, 100: 1000}
