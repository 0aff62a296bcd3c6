"""How long, in which portions and with which arithmetic a network is trained."""

from dataclasses import dataclass

from vgp_bench.errors import ConfigError
from vgp_bench.training.precision import PrecisionName


@dataclass(frozen=True)
class TrainerSettings:
    """max_steps counts optimizer steps. At most one of the clip_ keys: clip_norm is the largest global gradient norm
    (Pascanu et al. 2013), clip_value the largest single value, clip_adaptive the largest ||dL/dW_i|| / ||W_i|| of a
    unit (Brock et al. 2021). micro_batches: portions a batch is processed in, their gradients added up.
    """

    batch_size: int = 128
    max_epochs: int = 10
    max_steps: int | None = None
    clip_norm: float | None = None
    clip_value: float | None = None
    clip_adaptive: float | None = None
    micro_batches: int = 1
    precision: PrecisionName = "fp32"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        for key, value, least in (
            ("batch_size", self.batch_size, 1),
            ("max_epochs", self.max_epochs, 0),
            ("max_steps", self.max_steps, 0),
            ("micro_batches", self.micro_batches, 1),
        ):
            if value is not None and value < least:
                raise ConfigError(f"trainer.{key}={value}: must be at least {least}")
        clips = {
            "clip_norm": self.clip_norm,
            "clip_value": self.clip_value,
            "clip_adaptive": self.clip_adaptive,
        }
        chosen = [key for key, value in clips.items() if value is not None]
        for key in chosen:
            if not clips[key] > 0:  # type: ignore[operator]
                raise ConfigError(f"trainer.{key}={clips[key]}: must be above 0, or null for no clipping")
        if len(chosen) > 1:
            raise ConfigError(f"trainer.{chosen[0]} and trainer.{chosen[1]}: clip in one way, set the other to null")
        if self.batch_size % self.micro_batches:
            near = [n for n in range(1, self.batch_size + 1) if self.batch_size % n == 0]
            near.sort(key=lambda n: abs(n - self.micro_batches))
            raise ConfigError(
                f"trainer.micro_batches={self.micro_batches}: must divide trainer.batch_size={self.batch_size}: "
                f"use {' or '.join(map(str, sorted(near[:2])))}"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"trainer.label_smoothing={self.label_smoothing}: a share, from 0 to below 1")

    def total_steps(self, steps_per_epoch: int) -> int:
        """Optimizer steps of the whole training."""
        steps = self.max_epochs * steps_per_epoch
        return steps if self.max_steps is None else min(steps, self.max_steps)
