"""Runs composed and built as the command line does it, for the benchmarks."""

from typing import Any

from vgp_bench.building import build, resolve_device
from vgp_bench.composition import compose
from vgp_bench.training.loop import Loop


def config_of(*words: str) -> dict[str, Any]:
    """The resolved config of that run."""
    (composed,) = compose(words)
    return {**composed.config, "device": resolve_device(composed.config["device"])}


def built(*words: str) -> Loop:
    """The objects of that run; its rows go nowhere."""
    return build(config_of(*words), lambda row: None)
