"""MLflow: a run of the experiment `experiment_name`, in an SQLite file beside the experiments, or on a server.

An SQLite store keeps infinite values as +-1.7976931348623157e308, the largest float64; it has no infinity. Nothing is
sent to MLflow's makers unless MLFLOW_DISABLE_TELEMETRY=false says so.
"""

import logging
import os
import re
import socket
from collections.abc import Sequence
from typing import Any

from vgp_bench.records.summary import Summary
from vgp_bench.trackers.metrics import Metric
from vgp_bench.trackers.tracker import TrackedRun, Tracker, summary_figures

NEEDS = ("mlflow", "vgp-bench[mlflow]")

METRICS_A_CALL, PARAMETERS_A_CALL = 1000, 100
"""The most that MLflow's REST interface takes at once."""
LONGEST_TEXT = 5000
"""Characters of a value or tag: MLflow cuts or refuses those above 6000."""

DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # With MLflow's own values a server that is gone would hold up the training for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Environment variables as this tracker needs them, where the user has not set them."""

STATUS = {"completed": "FINISHED", "interrupted": "KILLED"}
"""MLflow's word for a state; FAILED for all others. The state itself is a tag."""


class MLflow(Tracker):
    """tracking_uri: a server or store; None: MLFLOW_TRACKING_URI where it is set, else results_dir/mlflow.db."""

    def __init__(self, layers_every: int | None = 1, tracking_uri: str | None = None) -> None:
        super().__init__(layers_every)
        self.tracking_uri = tracking_uri

    def open(self, run: TrackedRun) -> None:
        """A new run of MLflow; an earlier attempt keeps its own, closed as KILLED if it was left open."""
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow.store").setLevel(logging.WARNING)  # it tells of every table it makes
        logging.getLogger("alembic").setLevel(logging.WARNING)
        run.results.mkdir(parents=True, exist_ok=True)
        local = f"sqlite:///{run.results / 'mlflow.db'}"
        self._client = MlflowClient(self.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or local)
        experiment = self._experiment(run)
        where = {"path": str(run.path.absolute()), "host": socket.gethostname()}
        left_open = " and ".join(f"tags.{key} = '{value}'" for key, value in where.items())
        if "'" not in "".join(where.values()):
            for old in self._client.search_runs([experiment], f"attributes.status = 'RUNNING' and {left_open}"):
                self._client.set_terminated(old.info.run_id, "KILLED")
        self._run_id = self._client.create_run(experiment, run_name=run.run_id, tags=where).info.run_id
        parameters = [Param(_name(k), str(v)[:LONGEST_TEXT]) for k, v in run.hyperparameters().items()]
        for i in range(0, len(parameters), PARAMETERS_A_CALL):
            self._client.log_batch(self._run_id, params=parameters[i : i + PARAMETERS_A_CALL])

    def log(self, metrics: Sequence[Metric]) -> None:
        from mlflow.entities import Metric as Entity

        entities = [Entity(_name(m.tag), m.value, int(m.seconds * 1000), m.step) for m in metrics]
        for i in range(0, len(entities), METRICS_A_CALL):
            self._client.log_batch(self._run_id, metrics=entities[i : i + METRICS_A_CALL])

    def close(self, state: str, reason: str, summary: Summary | None) -> None:
        for tag, text in {"state": state, "reason": reason}.items():
            if text:
                self._client.set_tag(self._run_id, tag, text[:LONGEST_TEXT])
        if summary is not None:
            for tag, value in summary_figures(summary).items():
                self._client.log_metric(self._run_id, tag, value, step=summary.steps)
        self._client.set_terminated(self._run_id, STATUS.get(state, "FAILED"))

    def _experiment(self, run: TrackedRun) -> Any:
        """Its id; made where there is none."""
        found = self._client.get_experiment_by_name(run.experiment)
        return found.experiment_id if found else self._client.create_experiment(run.experiment)


def _name(tag: str) -> str:
    """A name MLflow takes: letters, digits and _-./: only, 250 at most."""
    return re.sub(r"[^\w\-./: ]", "_", tag, flags=re.ASCII)[:250]
