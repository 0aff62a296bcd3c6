"""Runs composed and built as the command line does it, for the benchmarks."""

from vgp_bench.building import build, resolve_device
from vgp_bench.composition import compose
from vgp_bench.training.loop import Loop


def built(*words: str) -> Loop:
    """The objects of that run; its rows go nowhere."""
    (composed,) = compose(words)
    config = composed.config
    return build({**config, "device": resolve_device(config["device"])}, lambda row: None)
