"""Each run as a task of Ray, in a process of its own: ended after one task, so that runs share nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from vgp_bench.errors import ConfigError
from vgp_bench.launchers.checks import check_least, check_positive
from vgp_bench.launchers.launcher import Task, Watcher
from vgp_bench.launchers.processes import ended_like_ctrl_c
from vgp_bench.launchers.ray_sweep import RaySweep

NEEDS = ("ray", "vgp-bench[ray]")


@dataclass(frozen=True)
class Ray:
    """See the yaml."""

    address: str | None = None
    cpus: int = 1
    gpus: float = 0.0
    restarts: int = 2

    def __post_init__(self) -> None:
        check_least(0, gpus=self.gpus, restarts=self.restarts)
        check_positive(cpus=self.cpus)

    def device_of(self, name: str) -> str:
        """See Launcher. `auto` is a GPU where launcher.gpus asks for one: the node may be another machine."""
        return ("cuda" if self.gpus else "cpu") if name == "auto" else name

    def launch(self, tasks: Sequence[Task], watcher: Watcher) -> None:
        """See Launcher. Raises ConfigError if there is no cluster at the address, or no node in it for such runs."""
        if not tasks:
            return
        import ray

        if mine := not ray.is_initialized():
            try:
                # `local` and not None: that would join whatever cluster the environment or this machine offers.
                ray.init(address=self.address or "local", log_to_driver=False, include_dashboard=False)
            except (ConnectionError, ValueError) as error:
                raise ConfigError(f"launcher.address={self.address}: {' '.join(str(error).split())}") from error
        try:
            self._check_room()
            with ended_like_ctrl_c():
                RaySweep(self.cpus, self.gpus, self.restarts, tasks, watcher).run()
        finally:
            if mine:
                ray.shutdown()

    def _check_room(self) -> None:
        """Raises ConfigError if a run fits nowhere: Ray would wait for ever, without a word."""
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(node.get("CPU", 0) >= self.cpus and node.get("GPU", 0) >= self.gpus for node in nodes):
            sizes = "; ".join(f"{node.get('CPU', 0):g} cores, {node.get('GPU', 0):g} GPUs" for node in nodes)
            raise ConfigError(
                f"launcher.cpus={self.cpus} launcher.gpus={self.gpus:g}: no node of Ray has both ({sizes}); lower them"
            )
