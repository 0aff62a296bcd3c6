"""Ranges of a launcher's keys; their types were compared before."""

from vgp_bench.errors import ConfigError


def check_least(least: float, **keys: float | None) -> None:
    """Raises ConfigError, naming the key, for a number below `least`; null is none."""
    for key, value in keys.items():
        if value is not None and value < least:
            raise ConfigError(f"launcher.{key}={value}: must be {least:g} or more")


def check_positive(**keys: float | None) -> None:
    """Raises ConfigError, naming the key, for a number that is not above 0; null is none."""
    for key, value in keys.items():
        if value is not None and value <= 0:
            raise ConfigError(f"launcher.{key}={value}: must be above 0")
