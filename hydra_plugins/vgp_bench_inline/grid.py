"""Hydra plugins for sweeps in one process: imports and data are shared, and every config is composed, hence checked
for unknown groups and keys, before the first run starts.

They live in the namespace package hydra_plugins because Hydra loads sweepers and launchers from nowhere else. Hydra
imports this file at every start: keep it light.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher


@dataclass
class GridConf:
    _target_: str = "hydra_plugins.vgp_bench_inline.grid.GridSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = field(default_factory=dict)


@dataclass
class InlineConf:
    _target_: str = "hydra_plugins.vgp_bench_inline.grid.InlineLauncher"


class GridSweeper(BasicSweeper):
    """The full product of all sweep values, as Hydra's own sweeper makes it, without its multirun.yaml: every run
    keeps its config in its own folder. hydra.sweeper.params holds the grid of a ready-made study."""

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context is not None
        assert self.launcher is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        (jobs,) = self.split_arguments(overrides, max_batch_size=None)
        return [self.launcher.launch(jobs, initial_job_idx=0)]


class InlineLauncher(Launcher):
    """Composes every job and hands them all to the task; they run when Hydra is done."""

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from vgp_bench.config import composed_run
        from vgp_bench.errors import ConfigError

        if not job_overrides:
            raise ConfigError("the sweep is empty: one of its keys has no values")
        loader = self.hydra_context.config_loader
        runs = []
        for overrides, label in zip(job_overrides, _labels(job_overrides), strict=True):
            config = loader.load_sweep_config(self.config, list(overrides))
            choices = config.hydra.runtime.choices
            runs.append(composed_run(config, choices, label))
        self.task_function.runs = runs
        return [JobReturn(overrides=list(o), status=JobStatus.COMPLETED) for o in job_overrides]


def _labels(job_overrides: Sequence[Sequence[str]]) -> list[str]:
    """What tells each job from the others: its overrides, without those that all jobs share."""
    shared = set(job_overrides[0]).intersection(*job_overrides) if len(job_overrides) > 1 else set()
    return [" ".join(o for o in overrides if o not in shared) for overrides in job_overrides]


ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridConf, provider="vgp_bench")
ConfigStore.instance().store(group="hydra/launcher", name="inline", node=InlineConf, provider="vgp_bench")
