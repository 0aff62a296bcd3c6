"""Help for tests of trackers: what TensorBoard, MLflow and W&B read back, by their own readers where they have one."""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

Series = dict[str, dict[int, float]]
"""tag -> step -> value."""


# TensorBoard


def events(folder: Path) -> Any:
    """TensorBoard's own reader over one folder, everything loaded."""
    reason = "tensorboard is not installed"
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)
    accumulator = module.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    return accumulator.Reload()


def scalars(accumulator: Any) -> Series:
    tags = accumulator.Tags()["scalars"]
    return {tag: {event.step: event.value for event in accumulator.Scalars(tag)} for tag in tags}


def session(accumulator: Any) -> tuple[dict[str, Any], str]:
    """(hyperparameters, status) as the HParams page reads them."""
    from tensorboard.plugins.hparams import api_pb2, metadata

    contents = accumulator.PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(contents[metadata.SESSION_START_INFO_TAG])
    end = metadata.parse_session_end_info_plugin_data(contents[metadata.SESSION_END_INFO_TAG])
    values = {key: getattr(value, value.WhichOneof("kind")) for key, value in start.hparams.items()}
    return values, api_pb2.Status.Name(end.status)


def state_text(accumulator: Any) -> str:
    (event,) = accumulator.Tensors("state")
    text: str = event.tensor_proto.string_val[0].decode()
    return text


# MLflow


def client(store: Path) -> Any:
    module = pytest.importorskip("mlflow.tracking", reason="mlflow is not installed")
    return module.MlflowClient(f"sqlite:///{store}")


def found(store: Path, name: str) -> Any:
    """The one MLflow run of this name in the experiment `trial`."""
    reader = client(store)
    experiment = reader.get_experiment_by_name("trial")
    (one,) = reader.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
    return one


def histories(store: Path, run_id: str, tags: Sequence[str]) -> Series:
    reader = client(store)
    return {tag: {m.step: m.value for m in reader.get_metric_history(run_id, tag)} for tag in tags}


# W&B


def offline_file(results: Path, name: str) -> list[Any]:
    """The records of the offline run of this name, by W&B's own message types.

    The file: a header of 7 bytes, then blocks of 32 KiB with chunks of checksum (4 bytes), length (2), kind (1: whole,
    2: first, 3: middle, 4: last) and content, as in LevelDB's log. W&B has no reader of it in Python any more.
    """
    messages = pytest.importorskip("wandb.proto.wandb_internal_pb2", reason="wandb is not installed")
    candidates = []
    for path in results.glob("wandb/offline-run-*/run-*.wandb"):
        content, at, pending, records = path.read_bytes(), 7, b"", []
        assert content[:4] == b":W&B"
        while at + 7 <= len(content):
            if 32768 - at % 32768 < 7:  # too little for a header: the block's end is filled up
                at += 32768 - at % 32768
                continue
            _, length, kind = struct.unpack_from("<IHB", content, at)
            pending += content[at + 7 : at + 7 + length]
            at += 7 + length
            if kind in (1, 4):
                records.append(messages.Record.FromString(pending))
                pending = b""
        if any(r.run.display_name == name for r in records):
            candidates.append(records)
    (one,) = candidates
    return one


def history(records: Sequence[Any]) -> Series:
    series: Series = {}
    for record in records:
        if record.WhichOneof("record_type") == "history":
            items = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
            for tag, value in items.items():
                if not tag.startswith("_"):
                    series.setdefault(tag, {})[items["_step"]] = float(value)
    return series


def exit_code(records: Sequence[Any]) -> int:
    (code,) = [r.exit.exit_code for r in records if r.WhichOneof("record_type") == "exit"]
    return int(code)


def last_summary(records: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for record in records:
        if record.WhichOneof("record_type") == "summary":
            found |= {i.key or i.nested_key[0]: json.loads(i.value_json) for i in record.summary.update}
    return found
