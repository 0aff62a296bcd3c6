"""Checks of the sizes a config asks for."""

from vgp_bench.errors import ConfigError


def check_positive(**sizes: int) -> None:
    """Raise ConfigError for the first size below 1; the names are keys of the architecture."""
    for key, size in sizes.items():
        if size < 1:
            raise ConfigError(f"architecture.{key}={size}: must be 1 or more")


def blocks_per_group(depth: int, layers_per_block: int) -> int:
    """n of a CIFAR network: three groups of n blocks, stem and classifier (He et al. 2015, section 4.2).

    depth: weight layers, 3 * layers_per_block * n + 2. Raises ConfigError naming the nearest depths.
    """
    step = 3 * layers_per_block
    blocks, rest = divmod(depth - 2, step)
    if blocks >= 1 and not rest:
        return blocks
    below = max(blocks, 1) * step + 2
    raise ConfigError(
        f"architecture.depth={depth}: must be {step}n+2 (three groups of n times {layers_per_block} layers, "
        f"stem and classifier): use {below} or {below + step}"
    )
