"""Trackers get copies of the rows, under names that sort by depth, and can harm no run."""

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import own_trackers
from tests.composing import compose, names_on_disk
from tests.made_runs import layer_row
from vgp_bench.cli import main
from vgp_bench.config_check import check
from vgp_bench.errors import ConfigError
from vgp_bench.records.identity import run_id
from vgp_bench.records.reading import RunRecord, find_runs
from vgp_bench.records.rows import EpochRow, StepRow, TimeRow
from vgp_bench.records.summary import Summary
from vgp_bench.run import Outcome, perform
from vgp_bench.trackers import mirror
from vgp_bench.trackers.metrics import Metric, Naming
from vgp_bench.trackers.tracker import summary_figures

SMALL = [
    "architecture.depth=2",
    "architecture.width=8",
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    "trainer.max_epochs=2",
    "device=cpu",
]
CLOCKS = ["images_per_second", "seconds", "peak_memory_bytes"]


@pytest.fixture(autouse=True)
def folder_with_own_trackers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "mine" / "tracker"
    folder.mkdir(parents=True)
    for name, breaks in {"own": "false", "broken": "true"}.items():
        head = f"# @package tracker.{name}\n_target_: tests.own_trackers.Own\n"
        (folder / f"{name}.yaml").write_text(f"{head}layers_every: 1\nbreaks: {breaks}\n")
    (folder / "misplaced.yaml").write_text("_target_: tests.own_trackers.Own\n")
    monkeypatch.setattr(own_trackers, "told", [])


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush is always due."""
    monkeypatch.setattr(mirror, "FLUSH_INTERVAL", 0.0)
    monkeypatch.setattr(mirror, "FLUSH_SHARE", 0.0)


def performed(*words: str, results: str = "results", progress: Any = lambda steps, loss: None) -> Outcome:
    composed = compose("--config-dir", "mine", *SMALL, *words, results=results)
    return perform(composed, ["vgp-bench"], lambda total: progress)


def the_run(results: str = "results") -> RunRecord:
    (run,) = find_runs([results])
    return run


def metrics_told() -> list[Metric]:
    return [metric for method, content in own_trackers.told if method == "log" for metric in content]


def test_every_figure_of_the_record_is_told_once_and_nothing_else() -> None:
    performed("tracker=own")
    run = the_run()
    expected: dict[tuple[str, int], float] = {}
    for _, row in run.rows("steps").iterrows():
        expected["loss/train", row["step"]] = row["loss"]
        expected["accuracy/train", row["step"]] = row["accuracy"]
        expected["optimizer/learning_rate", row["step"]] = row["learning_rate"]
        expected["gradient/all_parameters", row["step"]] = row["gradient_l2"]
        expected["optimizer/clipped", row["step"]] = row["clipped"]
    for _, row in run.rows("epochs").iterrows():
        expected["loss/train_pass", row["step"]] = row["train_loss"]
        expected["accuracy/train_pass", row["step"]] = row["train_accuracy"]
        expected["loss/validation", row["step"]] = row["validation_loss"]
        expected["accuracy/validation", row["step"]] = row["validation_accuracy"]
        expected["speed/images_per_second", row["step"]] = row["images_per_second"]
        expected["speed/seconds", row["step"]] = row["seconds"]
    names = {
        "activation_gradient_l2": "gradient/h",
        "activation_gradient_rms": "gradient_rms/h",
        "weight_gradient_l2": "gradient/W",
        "weight_gradient_rms": "gradient_rms/W",
        "nonfinite_activations": "nonfinite/h",
        "nonfinite_activation_gradients": "nonfinite/gradient_h",
        "nonfinite_weight_gradients": "nonfinite/gradient_W",
    }
    places = {"layer_1": "00_layer_1", "layer_2": "01_layer_2", "output": "02_output"}
    layers = run.rows("layers")
    for _, row in layers.iterrows():
        for column in layers.columns.drop(["step", "stage", "name", "kind", "depth"]):
            expected[f"{names.get(column, column)}/{places[row['name']]}", row["step"]] = row[column]
    expected = {key: value for key, value in expected.items() if not math.isnan(value)}
    told = metrics_told()
    assert len(told) == len(expected)
    assert {(m.tag, m.step): m.value for m in told} == expected
    assert {"gradient/h/00_layer_1", "update_ratio/01_layer_2", "loss/validation"} <= {m.tag for m in told}


def test_the_run_is_told_before_its_figures_and_its_end_after_them() -> None:
    outcome = performed("tracker=own", "seed=3", "experiment_name=trial")
    (first, run), *batches, (last, end) = own_trackers.told
    assert (first, last) == ("open", "close")
    assert {method for method, _ in batches} == {"log"}
    assert (run.run_id, run.experiment) == (outcome.path.name, "trial") if outcome.path else pytest.fail("no path")
    assert run.results == Path("results").absolute()
    parameters = run.hyperparameters()
    assert parameters["architecture"] == "mlp"
    assert parameters["architecture.depth"] == 2
    assert parameters["trainer.max_steps"] == "null"
    assert parameters["seed"] == 3
    assert not [key for key in parameters if key.startswith(("tracker", "results_dir"))]
    assert end[:2] == ("completed", "")
    assert end[2].as_json() == the_run("results/trial").summary.as_json()  # type: ignore[union-attr]


def test_trackers_change_neither_the_name_of_a_run_nor_a_number() -> None:
    with_it, without = performed("tracker=own"), performed(results="other")
    assert with_it.path is not None
    assert without.path is not None
    assert with_it.path.name == without.path.name
    assert metrics_told()
    for table in ("steps", "epochs", "layers", "times", "histograms", "probes"):
        one, other = (run.rows(table).drop(columns=CLOCKS, errors="ignore") for run in (the_run(), the_run("other")))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    summaries = [run.summary.as_json() for run in (the_run(), the_run("other")) if run.summary]
    one, other = ({key: value for key, value in s.items() if key not in CLOCKS} for s in summaries)
    assert one == other


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("where", ["open", "log", "close"])
@pytest.mark.parametrize("how", ["error", "exit"])
def test_a_tracker_that_breaks_is_left_out_and_nothing_else(
    where: str, how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BREAK_AT", where)
    monkeypatch.setenv("BREAK_BY", how)
    outcome = performed("tracker=[broken,own]")
    assert outcome.state == "completed"
    assert the_run().state == "completed"
    assert len({m.step for m in metrics_told() if m.tag == "loss/train"}) == 8
    assert own_trackers.told[-1][0] == "close"
    reason = "ArithmeticError: an own part with an own mind" if how == "error" else "SystemExit: 3"
    line = f"vgp-bench: tracker=broken is left out from here on, the run is not: {reason}\n"
    assert capsys.readouterr().err == line, "told once, though rows went on coming"


@pytest.mark.usefixtures("eager")
def test_batches_come_while_the_run_goes_on_and_hold_complete_steps_in_order() -> None:
    seen: list[int] = []
    performed("tracker=own", progress=lambda steps, loss: seen.append(len(own_trackers.told)))
    assert seen[-1] > seen[0], "told at the end only"
    steps = [sorted({m.step for m in content}) for method, content in own_trackers.told if method == "log"]
    assert all(before[-1] <= after[0] for before, after in pairwise(steps))
    tags = [{m.tag for m in content} for method, content in own_trackers.told if method == "log"]
    assert all("loss/train" in batch for batch in tags if "gradient/h/00_layer_1" in batch)


def test_rows_wait_for_the_interval_of_the_record() -> None:
    performed("tracker=own")
    assert [method for method, _ in own_trackers.told] == ["open", "log", "close"]


def test_a_divergence_and_an_interruption_are_told_as_such() -> None:
    assert performed("tracker=own", "optimizer.lr=1e30").state == "diverged"
    state, reason, summary = own_trackers.told[-1][1]
    assert state == "diverged"
    assert reason.startswith("the loss is ")
    assert summary is not None

    def stop(steps: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        performed("tracker=own", results="stopped", progress=stop)
    assert own_trackers.told[-1] == ("close", ("interrupted", "stopped from the keyboard", None))
    assert own_trackers.told[-2][0] == "log", "the rows until then"


def test_a_run_that_cannot_be_built_is_told_as_failed() -> None:
    assert performed("tracker=own", "activation=gelu", "activation.approximate=nonsense").state == "failed"
    assert [method for method, _ in own_trackers.told] == ["open", "close"]
    assert own_trackers.told[-1][1][:2] == ("failed", the_run().reason)


@pytest.mark.usefixtures("eager")
def test_a_record_that_says_running_at_the_end_is_a_failed_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from vgp_bench.errors import ResultsError
    from vgp_bench.records.store import RunStore

    def full(*_: Any, **more: Any) -> None:
        raise ResultsError("disk full")

    monkeypatch.setattr(RunStore, "finish", full)
    assert performed("tracker=own").state == "failed"
    assert own_trackers.told[-1] == ("close", ("failed", "", None))


def test_a_run_that_is_gone_on_with_is_told_whole_and_no_row_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(steps: int, loss: float) -> None:
        nonlocal done
        done += steps
        if done == 6:
            raise Killed

    done = 0
    with pytest.raises(Killed):
        performed("tracker=own", "checkpoint_steps=1", progress=die)
    monkeypatch.setattr(own_trackers, "told", [])
    performed("tracker=own")
    assert the_run().environment["resumed"][0]["step"] == 5
    assert [method for method, _ in own_trackers.told][:2] == ["open", "log"]
    losses = [(m.step, m.value) for m in metrics_told() if m.tag == "loss/train"]
    assert losses == list(enumerate(the_run().rows("steps")["loss"]))
    told = [(m.tag, m.step) for m in metrics_told()]
    assert len(told) == len(set(told))
    assert ("loss/validation", 4) in told


def test_two_trackers_as_a_sweep_are_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "-m", "--config-dir", "mine", *SMALL, "tracker=none,own"]) == 0
    assert "2 runs: 1 completed, 1 the same as another one." in capsys.readouterr().out
    assert len(find_runs(["results"])) == 1
    assert own_trackers.told == []


@pytest.mark.parametrize("words", [[], ["tracker=none"], ["tracker=[]"], ["tracker=[none,none]"]])
def test_no_tracker(words: list[str]) -> None:
    assert compose(*words).config["tracker"] == {}


def test_none_beside_others_changes_nothing() -> None:
    both = compose("--config-dir", "mine", "tracker=[none,own]")
    alone = compose("--config-dir", "mine", "tracker=own")
    assert both.config == alone.config
    assert list(both.config["tracker"]) == ["own"]
    assert "tracker" not in both.choices, "compare would take it for a setting that tells runs apart"


def test_the_name_of_a_run_does_not_depend_on_trackers() -> None:
    names = {run_id(compose("--config-dir", "mine", word).config) for word in ("tracker=none", "tracker=[own,broken]")}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tracker=own", "+tracker.own.size=3"], "tracker.own.size: tracker=own has no such key. "
         "It takes layers_every, breaks."),
        (["tracker=own", "tracker.own.layers_every=often"], "tracker.own.layers_every=often: "
         "expected an integer or null"),
        (["tracker=misplaced"], "tracker._target_: no tracker; its file must begin with "
         "`# @package tracker.NAME` and have a `_target_:`"),
    ],
)  # fmt: skip
def test_mistakes_in_the_call(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(compose("--config-dir", "mine", *words))
    assert str(raised.value) == message


def test_a_distance_of_no_steps_is_refused_before_anything_is_written() -> None:
    outcome = performed("tracker=own", "tracker.own.layers_every=0")
    assert (outcome.state, Path("results").exists()) == ("refused", False)
    assert outcome.reason == "layers_every=0: a tracker takes 1 or more; null mirrors no layers"


def test_an_option_that_does_not_exist() -> None:
    options = ", ".join(names_on_disk("tracker"))
    for word in ("tracker=wandbb", "tracker=[none,wandbb]"):
        with pytest.raises(ConfigError) as raised:
            compose(word)
        assert str(raised.value) == f"tracker=wandbb: no such tracker. Did you mean wandb? There are: {options}."


def test_a_key_of_a_tracker_that_is_not_chosen() -> None:
    with pytest.raises(ConfigError) as raised:
        compose("tracker.mlflow.layers_every=2")
    what = "tracker.mlflow: tracker=mlflow is not chosen; add tracker=mlflow, or tracker=[...,mlflow] beside others"
    assert str(raised.value) == what


BLOCKED = """
import sys
from vgp_bench.cli import main
packages = "tensorboard", "mlflow", "wandb"
sys.modules |= dict.fromkeys(packages)
for name in packages:
    print(main(["run", "-m", f"tracker=none,{name}", "seed=0,1"]))
print(main(["run", *sys.argv[1:]]))
"""


def test_a_package_that_is_missing_is_named_with_the_command_before_anything_runs() -> None:
    command = [sys.executable, "-c", BLOCKED, *SMALL, "trainer.max_steps=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = [
        f"vgp-bench: tracker={name} needs the package {name}: pip install 'vgp-bench[{name}]'"
        for name in ("tensorboard", "mlflow", "wandb")
    ]
    told = [line for line in done.stderr.splitlines() if not line.endswith("loading torch ...")]
    assert told == lines
    assert done.stdout.split()[:3] == ["2"] * 3
    assert done.stdout.split()[-1] == "0", "without trackers none of them is needed"
    assert len(find_runs(["results"])) == 1


def test_a_folder_of_its_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As W&B leaves a folder `wandb`, and `python -m` looks for packages in the working folder.
    monkeypatch.setattr(own_trackers, "NEEDS", ("package_of_my_own", "my-own"), raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    composed = compose("--config-dir", "mine", "tracker=own")
    (tmp_path / "package_of_my_own").mkdir()
    with pytest.raises(ConfigError, match=r"^tracker=own needs the package package_of_my_own: pip install 'my-own'$"):
        check(composed)
    (tmp_path / "package_of_my_own" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)  # forgets what it found there
    check(composed)


def test_names_sort_by_depth_for_any_number_of_stages() -> None:
    for stages, first in ((5, "gradient/h/00_s0"), (100, "gradient/h/00_s0"), (101, "gradient/h/000_s0")):
        rows = [(0.0, layer_row(stage=i, name=f"s{i}", activation_gradient_l2=1.0)) for i in range(stages)]
        tags = [m.tag for m in Naming(1).metrics(rows) if m.tag.startswith("gradient/h/")]
        assert tags[0] == first
        assert tags == sorted(tags)
        assert len(set(tags)) == stages


def test_layers_and_time_steps_at_multiples_only() -> None:
    rows = [(0.0, layer_row(step=step, name="a", update_ratio=0.5)) for step in range(7)]
    steps = {every: [m.step for m in Naming(every).metrics(rows) if "update" in m.tag] for every in (1, 3, None)}
    assert steps == {1: list(range(7)), 3: [0, 3, 6], None: []}
    others = [
        (0.0, StepRow(1, 0, 0.1, 2.0, 0.5, math.nan, math.nan)),
        (0.0, EpochRow(0, 1, 1.0, 0.5, 1.0, 0.5, 10.0, 1.0)),
    ]
    assert {m.tag for m in Naming(None).metrics(others)} >= {"loss/train", "loss/validation"}


def test_of_a_long_sequence_few_lags_are_named() -> None:
    rows = [(0.0, TimeRow(0, "rnn_1", "forward", 784 - lag, lag, 1.0, math.nan)) for lag in range(784)]
    lags = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 783]
    assert [m.tag for m in Naming(1).metrics(rows)] == [f"gradient/h_t/rnn_1_forward/lag_{lag:05}" for lag in lags]


def test_what_was_not_measured_is_no_figure_and_infinity_is_one() -> None:
    row = layer_row(name="a", activation_gradient_l2=math.inf, nonfinite_activations=3)
    figures = {m.tag: m.value for m in Naming(1).metrics([(0.0, row)])}
    zeros = {"nonfinite/gradient_h/00_a": 0.0, "nonfinite/gradient_W/00_a": 0.0}
    assert figures == {"gradient/h/00_a": math.inf, "nonfinite/h/00_a": 3.0, **zeros}
    assert summary_figures(Summary(1, 2, 3, train_loss=math.inf)) == {
        "summary/parameters": 1,
        "summary/epochs": 2,
        "summary/steps": 3,
        "summary/train_loss": math.inf,
    }


def test_rows_of_an_unknown_type_are_left_out() -> None:
    assert Naming(1).metrics([(0.0, object()), (5.0, StepRow(1, 0, 0.1, 2.0, 0.5, math.nan, math.nan))]) == [
        Metric(1, 5.0, "optimizer/learning_rate", 0.1),
        Metric(1, 5.0, "loss/train", 2.0),
        Metric(1, 5.0, "accuracy/train", 0.5),
    ]
