"""Checks of the sizes a config asks for."""

from collections.abc import Sequence

from vgp_bench.errors import ConfigError


def check_positive(**sizes: int) -> None:
    """Raise ConfigError for the first size below 1; the names are keys of the architecture."""
    for key, size in sizes.items():
        if size < 1:
            raise ConfigError(f"architecture.{key}={size}: must be 1 or more")


def check_choice(choices: Sequence[str | int], **chosen: str | int) -> None:
    """Raise ConfigError for the first value that is none of choices; the names are keys of the architecture."""
    *others, last = choices
    for key, value in chosen.items():
        if value not in choices:
            raise ConfigError(f"architecture.{key}={value}: use {', '.join(map(str, others))} or {last}")


def check_rates(**rates: float) -> None:
    """Raise ConfigError for the first share to be dropped outside of [0, 1)."""
    for key, rate in rates.items():
        if not 0 <= rate < 1:
            raise ConfigError(f"architecture.{key}={rate}: must be 0 or more and below 1")


def widths(width: int, proportions: Sequence[int]) -> list[int]:
    """Widths of all layers in the paper's proportions; the first is width.

    Raises ConfigError naming the nearest widths if others would not be whole numbers.
    """
    check_positive(width=width)
    first = proportions[0]
    factor, rest = divmod(width, first)
    if rest:
        near = " or ".join(str(first * n) for n in (factor, factor + 1) if n)
        raise ConfigError(
            f"architecture.width={width}: must be a multiple of {first} (the layers' widths are as "
            f"{' : '.join(map(str, proportions))}): use {near}"
        )
    return [factor * proportion for proportion in proportions]


def repeats(depth: int, step: int, rest: int, what: str) -> int:
    """n of depth = step * n + rest, n >= 1; what: where they come from. Raises ConfigError naming the near depths."""
    count, remainder = divmod(depth - rest, step)
    if count >= 1 and not remainder:
        return count
    below = max(count, 1) * step + rest
    raise ConfigError(f"architecture.depth={depth}: must be {step}n+{rest} ({what}): use {below} or {below + step}")


def blocks_per_group(depth: int, layers_per_block: int) -> int:
    """n of a CIFAR network: three groups of n blocks, stem and classifier (He et al. 2015, section 4.2).

    depth: weight layers, 3 * layers_per_block * n + 2. Raises ConfigError naming the nearest depths.
    """
    return repeats(
        depth, 3 * layers_per_block, 2, f"three groups of n times {layers_per_block} layers, stem and classifier"
    )
