"""Hydra plugins for sweeps: every config is composed, hence checked for unknown groups and keys, before the first run
starts. Where the runs are run is not Hydra's matter, but that of the group `launcher`.

They live in the namespace package hydra_plugins because Hydra loads sweepers from nowhere else. Hydra
imports this file at every start: keep it light.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.sweeper import Sweeper


@dataclass
class GridConf:
    """The parts of a study, see vgp_bench/study.py."""

    _target_: str = "hydra_plugins.vgp_bench_study.grid.GridSweeper"
    params: Any = field(default_factory=dict)
    zip: Any = None
    points: Any = None
    exclude: Any = None
    when: Any = None
    seeds: Any = None


class GridSweeper(Sweeper):
    """Composes every run of a study and hands them all to the task; they run when Hydra is done."""

    def __init__(self, **parts: Any) -> None:
        self.parts = parts

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.loader = hydra_context.config_loader
        self.task_function = task_function
        self.config = config

    def sweep(self, arguments: list[str]) -> Any:
        from omegaconf import OmegaConf

        from vgp_bench.study import read_study
        from vgp_bench.study_jobs import Jobs

        parts = {
            key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
            for key, value in self.parts.items()
        }
        parts["zipped"] = parts.pop("zip")
        self.task_function.runs = Jobs(self.loader, self.config).compose(read_study(**parts), arguments)
        return [[JobReturn(overrides=arguments, status=JobStatus.COMPLETED)]]


ConfigStore.instance().store(group="hydra/sweeper", name="grid", node=GridConf, provider="vgp_bench")
