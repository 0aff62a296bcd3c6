"""Runs composed and built as the command line does it, for the benchmarks."""

import hydra

from vgp_bench.building import build, resolve_device
from vgp_bench.config import ComposedRun, composed_run, config_dir, register_run_keys
from vgp_bench.training.loop import Loop


def compose(*words: str) -> ComposedRun:
    """What `vgp-bench run WORDS` composes."""
    register_run_keys()
    with hydra.initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = hydra.compose("config", list(words), return_hydra_config=True)
    return composed_run(config, config.hydra.runtime.choices, " ".join(words))


def built(*words: str) -> Loop:
    """The objects of that run; its rows go nowhere."""
    config = compose(*words).config
    return build({**config, "device": resolve_device(config["device"])}, lambda row: None)
