"""What TensorBoard, MLflow and W&B read back is what the record says. Each test needs the package it is about."""

import importlib.util
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.composing import compose
from tests.tracker_readers import (
    Series,
    client,
    events,
    exit_code,
    found,
    histories,
    history,
    last_summary,
    offline_file,
    scalars,
    session,
    state_text,
)
from vgp_bench.records.reading import RunRecord, read_run
from vgp_bench.records.summary import Summary
from vgp_bench.run import Outcome, perform
from vgp_bench.trackers.metrics import Metric
from vgp_bench.trackers.mlflow import MLflow
from vgp_bench.trackers.tensorboard import TensorBoard
from vgp_bench.trackers.tracker import TrackedRun
from vgp_bench.trackers.wandb import WandB

INSTALLED = [name for name in ("tensorboard", "mlflow", "wandb") if importlib.util.find_spec(name)]
RNN = ["architecture=rnn", "architecture.hidden=8"]
SMALL = ["dataset.train_size=64", "trainer.batch_size=16", "trainer.max_epochs=2", "device=cpu"]


def tracked(results: Path, *words: str, progress: Any = lambda steps, loss: None) -> Outcome:
    """A run with every tracker that is installed, in the experiment `trial`."""
    trackers = f"tracker=[{','.join(INSTALLED)}]"
    composed = compose(trackers, "experiment_name=trial", *SMALL, *words, results=results)
    return perform(composed, ["vgp-bench"], lambda total: progress)


@pytest.fixture(scope="module", autouse=True)
def in_no_folder_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory in which nothing may be left, and no variable that leads elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("working")
        patch.chdir(folder)
        patch.setenv("HOME", str(folder.parent))
        for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "WANDB_NAME"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def run(results: Path) -> RunRecord:
    outcome = tracked(results, *RNN)
    assert outcome.path
    return read_run(outcome.path)


@pytest.fixture(scope="module")
def diverged(results: Path) -> RunRecord:
    outcome = tracked(results, "optimizer.lr=1e30", "architecture.depth=2", "architecture.width=8")
    assert outcome.path
    assert outcome.state == "diverged"
    return read_run(outcome.path)


@pytest.fixture(scope="module")
def interrupted(results: Path) -> RunRecord:
    def stop(steps: int, loss: float) -> None:
        raise KeyboardInterrupt

    words = [*RNN, "seed=5"]
    with pytest.raises(KeyboardInterrupt):
        tracked(results, *words, progress=stop)
    (path,) = [p.parent for p in results.glob("trial/*/status.json") if read_run(p.parent).state == "interrupted"]
    return read_run(path)


@pytest.fixture
def made(tmp_path: Path) -> TrackedRun:
    """A run that was never run, to be told by hand."""
    config = {"optimizer": {"lr": 0.5, "betas": [0.9, 0.99], "fused": True, "decay": None}, "seed": 7}
    return TrackedRun(tmp_path / "trial" / "abc123", config, {"optimizer": "adam"})


EXTREMES = [
    Metric(0, 1.0, "big", math.inf),
    Metric(1, 2.0, "big", -math.inf),
    Metric(1, 3.0, "small", 1e-300),
    Metric(2, 4.0, "small", 1e-40),
]


def expected(run: RunRecord) -> Series:
    """Some columns of the record under the names they should have, NaN left out."""
    series: Series = {}
    steps, epochs, layers, times = (run.columns(name) for name in ("steps", "epochs", "layers", "times"))
    series["loss/train"] = dict(zip(steps["step"], steps["loss"], strict=True))
    series["accuracy/validation"] = dict(zip(epochs["step"], epochs["validation_accuracy"], strict=True))
    for tag, table, column, chosen in (
        ("gradient/h/00_layer_1", layers, "activation_gradient_l2", layers["stage"] == 0),
        ("update_ratio/01_output", layers, "update_ratio", layers["stage"] == 1),
        ("gradient/h_t/layer_1_forward/lag_00007", times, "state_gradient_l2", times["lag"] == 7),
    ):
        series[tag] = dict(zip(table["step"][chosen], table[column][chosen], strict=True))
    return {tag: {int(s): v for s, v in points.items() if not math.isnan(v)} for tag, points in series.items()}


def check_values(run: RunRecord, read: Series, kind: type = np.float64) -> None:
    """That what was read back is what the record says, in the precision of the tracker; and that it is something."""
    for tag, points in expected(run).items():
        assert points, f"{tag}: the record says nothing"
        assert read[tag] == {step: float(kind(value)) for step, value in points.items()}, tag
    assert not [tag for tag in read if tag.startswith("gradient/c_t")], "never measured here"


def test_tensorboard_reads_the_record_back(run: RunRecord) -> None:
    accumulator = events(run.path)
    read = scalars(accumulator)
    check_values(run, read, np.float32)
    assert run.summary
    assert read["summary/test_accuracy"] == {run.summary.steps: float(np.float32(run.summary.test_accuracy))}
    values, status = session(accumulator)
    assert status == "STATUS_SUCCESS"
    assert (values["architecture"], values["architecture.hidden"], values["optimizer.lr"]) == ("rnn", 8, 0.01)
    assert state_text(accumulator) == "completed"


def test_tensorboard_is_told_of_bad_ends(diverged: RunRecord, interrupted: RunRecord) -> None:
    for record in (diverged, interrupted):
        accumulator = events(record.path)
        assert session(accumulator)[1] == "STATUS_FAILURE"
        assert state_text(accumulator) == f"{record.state}: {record.reason}"


def test_a_repeated_run_has_one_event_file(made: TrackedRun) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    for value in (1.0, 2.0):
        tracker = TensorBoard()
        tracker.open(made)
        tracker.log([Metric(int(value), 0.0, "loss/train", value)])
    assert len(list(made.path.iterdir())) == 1
    assert scalars(events(made.path)) == {"loss/train": {2: 2.0}}


def test_tensorboard_has_infinity_and_32_bits(made: TrackedRun, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    tracker = TensorBoard(folder=str(tmp_path / "elsewhere"))
    tracker.open(made)
    tracker.log(EXTREMES)
    tracker.close("completed", "", Summary(1, 2, 3, test_loss=1e300))
    assert not made.path.exists()
    accumulator = events(tmp_path / "elsewhere" / "trial" / "abc123")
    read = scalars(accumulator)
    assert read["big"] == {0: math.inf, 1: -math.inf}
    assert read["small"] == {1: 0.0, 2: float(np.float32(1e-40))}
    assert read["summary/test_loss"] == {3: math.inf}
    assert [event.wall_time for event in accumulator.Scalars("small")] == [3.0, 4.0]
    values, _ = session(accumulator)
    assert values == {"optimizer": "adam", "optimizer.lr": 0.5, "optimizer.betas": "[0.9, 0.99]",
                      "optimizer.fused": True, "optimizer.decay": "null", "seed": 7}  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full: no disk that is always full")
def test_a_disk_too_full_for_events_costs_a_line_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    genuine = Path.open
    full = tmp_path / "full"

    def opened(self: Path, *arguments: Any, **keywords: Any) -> Any:
        return genuine(Path("/dev/full") if self.is_relative_to(full) else self, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", opened)
    words = ["tracker=tensorboard", f"tracker.tensorboard.folder={full}", "architecture.depth=2", *SMALL]
    outcome = perform(compose(*words, results=tmp_path / "r"), [], lambda total: lambda steps, loss: None)
    assert outcome.state == "completed"
    line = "vgp-bench: tracker=tensorboard is left out from here on, the run is not: OSError: "
    assert capsys.readouterr().err == f"{line}[Errno 28] No space left on device\n"


def test_mlflow_reads_the_record_back(run: RunRecord, results: Path) -> None:
    store = results / "mlflow.db"
    one = found(store, run.path.name)
    check_values(run, histories(store, one.info.run_id, list(one.data.metrics)))
    assert run.summary
    assert one.data.metrics["summary/test_accuracy"] == run.summary.test_accuracy
    assert "summary/clipped_share" not in one.data.metrics
    assert one.data.params["architecture.hidden"] == "8"
    assert one.data.params["trainer.max_steps"] == "null"
    assert (one.info.status, one.data.tags["state"]) == ("FINISHED", "completed")
    assert one.data.tags["path"] == str(run.path)


def test_mlflow_is_told_of_bad_ends(diverged: RunRecord, interrupted: RunRecord, results: Path) -> None:
    for record, status in ((diverged, "FAILED"), (interrupted, "KILLED")):
        one = found(results / "mlflow.db", record.path.name)
        assert (one.info.status, one.data.tags["state"], one.data.tags["reason"]) == (
            status,
            record.state,
            record.reason,
        )


def test_mlflow_in_calls_it_takes_with_names_it_takes_and_a_run_left_open(
    made: TrackedRun, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("mlflow.tracking", reason="mlflow is not installed")
    genuine = module.MlflowClient.log_batch
    sizes: list[tuple[int, int]] = []

    def log_batch(self: Any, run_id: str, metrics: Sequence[Any] = (), params: Sequence[Any] = ()) -> Any:
        sizes.append((len(metrics), len(params)))  # a store in a file takes more than a server would
        return genuine(self, run_id, metrics, params)

    monkeypatch.setattr(module.MlflowClient, "log_batch", log_batch)
    store = results / "mlflow.db"  # used before: to make a new one takes a while
    many = {f"key_{i}": i for i in range(250)}
    made = TrackedRun(results / "made" / "abc123", {**made.config, "more": many, "long": "x" * 10000}, made.choices)
    killed = MLflow()
    killed.open(made)  # and nothing more: as after a kill
    tracker = MLflow()
    tracker.open(made)
    tracker.log([Metric(step, 1.5, "loss/train", step / 7) for step in range(2500)])
    tracker.log([*EXTREMES, Metric(0, 1.5, "gradient/h/00_bloc[0]→é", 4.0)])
    tracker.close("completed", "", Summary(1, 2, 3, test_loss=math.inf))

    reader = client(store)
    experiment = reader.get_experiment_by_name("made").experiment_id
    by_status = {one.info.status: one for one in reader.search_runs([experiment])}
    assert set(by_status) == {"KILLED", "FINISHED"}
    assert [max(counts) for counts in zip(*sizes, strict=True)] == [1000, 100]
    one = by_status["FINISHED"]
    read = histories(store, one.info.run_id, list(one.data.metrics))
    assert read["loss/train"] == {step: step / 7 for step in range(2500)}
    assert read["gradient/h/00_bloc_0___"] == {0: 4.0}
    largest = float(np.finfo(np.float64).max)
    assert read["big"] == {0: largest, 1: -largest}
    assert read["small"] == {1: 1e-300, 2: 1e-40}
    assert read["summary/test_loss"] == {3: largest}
    assert {key: one.data.params[f"more.{key}"] for key in many} == {key: str(i) for key, i in many.items()}
    assert one.data.params["long"] == "x" * 5000
    assert one.data.params["optimizer.betas"] == "[0.9, 0.99]"


def test_a_server_that_is_gone_costs_a_line_and_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    words = ["tracker=mlflow", "tracker.mlflow.tracking_uri=http://127.0.0.1:9", "architecture.depth=2", *SMALL]
    outcome = perform(compose(*words, results=tmp_path), [], lambda total: lambda steps, loss: None)
    assert outcome.state == "completed"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vgp-bench: tracker=mlflow is left out from here on, the run is not: MlflowException: ")


def test_wandb_reads_the_record_back(run: RunRecord, results: Path) -> None:
    records = offline_file(results, run.path.name)
    check_values(run, history(records))
    (about,) = [r.run for r in records if r.WhichOneof("record_type") == "run"]
    assert (about.project, about.display_name) == ("trial", run.path.name)
    config = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in about.config.update}
    assert (config["architecture.hidden"], config["trainer.max_steps"]) == (8, "null")
    assert config["path"] == str(run.path)
    summary = last_summary(records)
    assert run.summary
    assert summary["summary/test_accuracy"] == run.summary.test_accuracy
    assert summary["state"] == "completed"
    assert exit_code(records) == 0


def test_wandb_is_told_of_bad_ends(diverged: RunRecord, interrupted: RunRecord, results: Path) -> None:
    for record, code in ((diverged, 1), (interrupted, 130)):
        records = offline_file(results, record.path.name)
        assert exit_code(records) == code
        assert (last_summary(records)["state"], last_summary(records)["reason"]) == (record.state, record.reason)


def test_wandb_has_infinity(made: TrackedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    told_by_variable = WandB()
    told_by_variable.open(made)
    told_by_variable.log(EXTREMES)
    told_by_variable.close("completed", "", None)
    assert not (tmp_path / "wandb").exists()

    tracker = WandB(mode="offline")  # goes before the variable
    tracker.open(made)
    tracker.log(EXTREMES)
    tracker.close("completed", "", None)
    read = history(offline_file(tmp_path, "abc123"))
    assert read == {"big": {0: math.inf, 1: -math.inf}, "small": {1: 1e-300, 2: 1e-40}}


@pytest.mark.usefixtures("run")
def test_nothing_is_left_in_the_working_folder(in_no_folder_of_ones_own: Path) -> None:
    assert [path.name for path in in_no_folder_of_ones_own.iterdir()] == []
