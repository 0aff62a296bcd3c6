"""What a user can ask of Slurm: the keys of launcher=slurm."""

from dataclasses import dataclass, field
from typing import Any

from vgp_bench.errors import ConfigError
from vgp_bench.launchers.checks import check_least, check_positive

BEGINNING = 30
"""Seconds that a run takes, say, to begin: imports, data, the last checkpoint."""


@dataclass(frozen=True)
class SlurmSettings:
    """time: minutes; warning: seconds; poll: seconds. See the yaml."""

    partition: str | None = None
    account: str | None = None
    time: int | None = None
    gpus: int | None = None
    memory: str | None = None
    cpus: int = 1
    max_parallel: int | None = None
    warning: int = 60
    restarts: int = 20
    poll: float = 5.0
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_least(1, time=self.time, gpus=self.gpus, cpus=self.cpus, max_parallel=self.max_parallel)
        check_least(0, warning=self.warning, restarts=self.restarts)
        check_positive(poll=self.poll)
        if self.time is not None and 60 * self.time <= self.warning + BEGINNING:
            least, most = (self.warning + BEGINNING) // 60 + 1, 60 * self.time - BEGINNING - 1
            raise ConfigError(
                f"launcher.time={self.time}: minutes; launcher.warning={self.warning} s before their end a run has to "
                f"leave, and would not have begun; use launcher.time={least} or more or launcher.warning={most} or less"
            )

    def device_of(self, name: str) -> str:
        """See Launcher. `auto` is a GPU where launcher.gpus asks for one: what a login node has says nothing of it."""
        return ("cuda" if self.gpus else "cpu") if name == "auto" else name
