"""When to measure: densely at first, where the signal dies or lives, then sparsely."""

from dataclasses import dataclass

from vgp_bench.errors import ConfigError


@dataclass(frozen=True)
class Cadence:
    """dense_steps: the first steps, each logged; every: one step in so many afterwards (null: none);
    probe_every: the probe set is looked at (dead units, histograms, the flow of the signal) at one step in so many, and
    at the last one (null: never).
    The last step is always logged. With dense_steps=0 and every=null nothing is measured at all.
    """

    dense_steps: int = 50
    every: int | None = 50
    probe_every: int | None = 500
    probe_images: int = 512

    def __post_init__(self) -> None:
        for key in ("every", "probe_every"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ConfigError(f"monitor.{key}={value}: must be at least 1, or null for never")
        if self.dense_steps < 0:
            raise ConfigError(f"monitor.dense_steps={self.dense_steps}: must be at least 0")
        if self.probe_every is not None and self.probe_images < 1:
            raise ConfigError(f"monitor.probe_images={self.probe_images}: must be at least 1, or probe_every=null")

    @property
    def is_off(self) -> bool:
        return self.dense_steps == 0 and self.every is None

    def logs(self, step: int, last_step: int) -> bool:
        """Whether the layers are measured at this step."""
        if self.is_off:
            return False
        sparsely = self.every is not None and step % self.every == 0
        return step < self.dense_steps or sparsely or step == last_step or self.probes(step, last_step)

    def probes(self, step: int, last_step: int) -> bool:
        """Whether the probe set is looked at before this step. Such a step is logged too: its rows take the figures."""
        if self.is_off or self.probe_every is None:
            return False
        return step % self.probe_every == 0 or step == last_step
