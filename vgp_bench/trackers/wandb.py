"""Weights & Biases: a run of the project `experiment_name`, under results_dir/wandb.

Offline, nothing leaves the machine until `wandb sync` sends it. Infinite values are written as JSON's Infinity, and
W&B draws them at the edge of a chart. Error reports to W&B's makers are off unless WANDB_ERROR_REPORTING says so.
"""

import os
from collections.abc import Sequence
from typing import Literal

from vgp_bench.records.summary import Summary
from vgp_bench.trackers.metrics import Metric
from vgp_bench.trackers.tracker import TrackedRun, Tracker, summary_figures

NEEDS = ("wandb", "vgp-bench[wandb]")

EXIT_CODE = {"completed": 0, "interrupted": 130}
"""W&B's way to say how a run ended; 1 for all other states. The state itself stands in the run's summary."""


class WandB(Tracker):
    """mode: None: WANDB_MODE where it is set, else offline; entity: None: the account's default."""

    def __init__(
        self,
        layers_every: int | None = 1,
        mode: Literal["offline", "online", "disabled"] | None = None,
        entity: str | None = None,
    ) -> None:
        super().__init__(layers_every)
        self.mode = mode
        self.entity = entity

    def open(self, run: TrackedRun) -> None:
        """A new run of W&B, named by the run id; an earlier attempt keeps its own."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        run.results.mkdir(parents=True, exist_ok=True)
        # What W&B would look up itself (console, commit, code, load of the machine) is none of our rows, or stands in
        # the record's environment.json.
        settings = wandb.Settings(
            silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
        )
        self._run = wandb.init(
            entity=self.entity,
            project=run.experiment,
            name=run.run_id,
            dir=str(run.results),
            config={"path": str(run.path.absolute()), **run.hyperparameters()},
            mode=self.mode or os.environ.get("WANDB_MODE") or "offline",  # type: ignore[arg-type]
            reinit="create_new",
            settings=settings,
        )

    def log(self, metrics: Sequence[Metric]) -> None:
        # W&B takes steps in order only, and all figures of one at once is quickest.
        by_step: dict[int, dict[str, float]] = {}
        for metric in metrics:
            by_step.setdefault(metric.step, {})[metric.tag] = metric.value
        for step in sorted(by_step):
            self._run.log(by_step[step], step=step)

    def close(self, state: str, reason: str, summary: Summary | None) -> None:
        figures = summary_figures(summary) if summary else {}
        self._run.summary.update({**figures, "state": state, "reason": reason})
        self._run.finish(exit_code=EXIT_CODE.get(state, 1))
