"""TensorBoard: an event file in the folder of the run, with HParams and the state as text.

TensorBoard keeps scalars in 32 bits: below 1e-45 it shows 0 and above 3.4e38 infinity, where the record has the
number. Infinite values are written as such and marked in its charts.
"""

import io
import os
import socket
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from vgp_bench.records.summary import Summary
from vgp_bench.trackers.metrics import Metric
from vgp_bench.trackers.tracker import TrackedRun, Tracker, summary_figures

NEEDS = ("tensorboard", "vgp-bench[tensorboard]")
FILES = "events.out.tfevents.*"


class TensorBoard(Tracker):
    """folder: the event files go to FOLDER/experiment_name/run id instead of the folder of the run."""

    def __init__(self, layers_every: int | None = 1, folder: str | None = None) -> None:
        super().__init__(layers_every)
        self.folder = folder

    def open(self, run: TrackedRun) -> None:
        """Replaces the event files of an earlier attempt."""
        folder = Path(self.folder).expanduser() / run.experiment / run.run_id if self.folder else run.path
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(FILES):
            old.unlink()
        name = FILES.replace("*", f"{time.time():010.0f}.{socket.gethostname()}.{os.getpid()}.0")
        self._file = folder / name
        now = time.time()
        self._append([_event(now, file_version="brain.Event:2"), _event(now, summary=_summary([_session_start(run)]))])

    def log(self, metrics: Sequence[Metric]) -> None:
        self._append(
            _event(seconds, step=step, summary=_summary({"tag": m.tag, "simple_value": m.value} for m in figures))
            for (step, seconds), figures in groupby(metrics, key=lambda metric: metric[:2])
        )

    def close(self, state: str, reason: str, summary: Summary | None) -> None:
        values = [_text("state", f"{state}: {reason}" if reason else state)]
        if summary is not None:
            values += [{"tag": tag, "simple_value": value} for tag, value in summary_figures(summary).items()]
        step = summary.steps if summary else 0
        now = time.time()
        self._append(
            [_event(now, step=step, summary=_summary(values)), _event(now, summary=_summary([_session_end(state)]))]
        )

    def _append(self, events: Iterable[bytes]) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        # Not TensorBoard's EventFileWriter: that writes in a thread, which prints a stack trace when the disk is full.
        records = io.BytesIO()
        writer = RecordWriter(records)
        for event in events:
            writer.write(event)
        with self._file.open("ab") as file:
            file.write(records.getvalue())


def _event(seconds: float, **content: Any) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event

    serialized: bytes = Event(wall_time=seconds, **content).SerializeToString()
    return serialized


def _summary(values: Iterable[dict[str, Any]]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary as Protocol

    return Protocol(value=[Protocol.Value(**value) for value in values])


def _text(tag: str, text: str) -> dict[str, Any]:
    from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto

    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return {"tag": tag, "metadata": plugin, "tensor": TensorProto(dtype="DT_STRING", string_val=[text.encode()])}


def _session_start(run: TrackedRun) -> dict[str, Any]:
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    start = SessionStartInfo(group_name=run.run_id, start_time_secs=time.time())
    for key, value in run.hyperparameters().items():
        if isinstance(value, bool):
            start.hparams[key].bool_value = value
        elif isinstance(value, str):
            start.hparams[key].string_value = value
        else:
            start.hparams[key].number_value = value
    return _hparams(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start))


def _session_end(state: str) -> dict[str, Any]:
    from tensorboard.plugins.hparams import api_pb2, metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    status = api_pb2.STATUS_SUCCESS if state == "completed" else api_pb2.STATUS_FAILURE
    end = SessionEndInfo(status=status, end_time_secs=time.time())
    return _hparams(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=end))


def _hparams(tag: str, content: Any) -> dict[str, Any]:
    from tensorboard.plugins.hparams import metadata

    return {"tag": tag, "metadata": metadata.create_summary_metadata(content), "tensor": metadata.NULL_TENSOR}
