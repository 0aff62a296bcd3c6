"""How often rows and state of a run are written."""

import math
from dataclasses import dataclass

from vgp_bench.errors import ConfigError

FLUSH_SHARE = 20.0
"""Between two writings nobody asked for lies at least this many times the duration of the last one: 5 % of a run."""


@dataclass(frozen=True)
class Pace:
    """A checkpoint every so many seconds, but at least FLUSH_SHARE times the duration of the last one; and after every
    so many steps, whatever that takes. Raises ConfigError."""

    seconds: float
    steps: int | None

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf:
            raise ConfigError(f"checkpoint_seconds={self.seconds}: must be 0 or more")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"checkpoint_steps={self.steps}: must be 1 or more, or null for none by steps")
