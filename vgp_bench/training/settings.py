"""How long and in which portions a network is trained."""

from dataclasses import dataclass

from vgp_bench.errors import ConfigError


@dataclass(frozen=True)
class TrainerSettings:
    """max_steps counts optimizer steps; clip_norm is the largest global gradient norm (Pascanu et al. 2013, alg. 1)."""

    batch_size: int = 128
    max_epochs: int = 10
    max_steps: int | None = None
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        for key, value, least in (
            ("batch_size", self.batch_size, 1),
            ("max_epochs", self.max_epochs, 0),
            ("max_steps", self.max_steps, 0),
        ):
            if value is not None and value < least:
                raise ConfigError(f"trainer.{key}={value}: must be at least {least}")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ConfigError(f"trainer.clip_norm={self.clip_norm}: must be above 0, or null for no clipping")

    def total_steps(self, steps_per_epoch: int) -> int:
        """Optimizer steps of the whole training."""
        steps = self.max_epochs * steps_per_epoch
        return steps if self.max_steps is None else min(steps, self.max_steps)
