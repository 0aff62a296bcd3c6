"""Where configs live and which keys every run has. Imports neither torch nor, until needed, Hydra."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vgp_bench.errors import ConfigError

GROUPS = (
    "architecture",
    "activation",
    "initializer",
    "normalizer",
    "dataset",
    "learning_rule",
    "optimizer",
    "schedule",
    "trainer",
    "monitor",
)
"""The groups a run is composed of, one option each. `tracker` and `launcher` are groups too, but no part of what a run
is (of trackers there may be none, one or several); `experiment` only sets options of the others."""

LISTED_GROUPS = (*GROUPS, "tracker", "launcher", "experiment")
"""All groups with options to choose from."""


@dataclass
class RunConfig:
    """The keys of a run that belong to no group, with their types. Hydra checks overrides against them."""

    architecture: Any = None
    activation: Any = None
    initializer: Any = None
    normalizer: Any = None
    dataset: Any = None
    learning_rule: Any = None
    optimizer: Any = None
    schedule: Any = None
    trainer: Any = None
    monitor: Any = None
    tracker: dict[str, Any] = field(default_factory=dict)  # name -> its option: there may be several
    launcher: Any = None
    images_as: str | None = None
    seed: int = 0
    device: str = "auto"
    experiment_name: str = "default"
    data_dir: str = "${oc.env:VGP_DATA_DIR,data}"
    results_dir: str = "results"
    progress: bool = True
    retry: str = "failed"  # which runs that did not complete are run again: never, failed or all (diverged too)
    fail_fast: bool = False  # a sweep stops at the first failure
    deterministic: bool = False  # only operations that give the same bits again, also on CUDA; slower there
    checkpoint_seconds: float = 10.0  # least time between two checkpoints
    checkpoint_steps: int | None = None  # a checkpoint after every so many steps too
    jobs: Any = "auto"  # auto, or how many runs at once


@dataclass(frozen=True)
class ComposedRun:
    """A run as words have composed it, nothing built yet.

    config: the resolved config as plain dicts; choices: group -> name of the chosen option; label: what tells this
    run from the others of its sweep, as typed.
    """

    config: dict[str, Any]
    choices: dict[str, str]
    label: str


def config_dir() -> Path:
    """The folder of configs: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    packaged = package / "configs"
    return packaged if packaged.is_dir() else package.parent / "configs"


def register_run_keys() -> None:
    """Let config.yaml refer to RunConfig as `run_keys`. Not in a group, so that it is no option to choose."""
    from hydra.core.config_store import ConfigStore

    ConfigStore.instance().store(name="run_keys", node=RunConfig)


def composed_run(config: Any, choices: Any, label: str) -> ComposedRun:
    """A ComposedRun from a config as Hydra hands it over, interpolations resolved, Hydra's own node left out.

    Raises ConfigError if a group was taken out.
    """
    from omegaconf import OmegaConf

    for group in GROUPS:
        if choices.get(group) is None:
            raise ConfigError(f"{group}: a run needs one option of it, {group}=NAME; see `vgp-bench list {group}`")
    own = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    values: dict[str, Any] = OmegaConf.to_container(own, resolve=True)  # type: ignore[assignment]
    values["data_dir"] = str(Path(os.path.expanduser(values["data_dir"])))
    values["results_dir"] = str(Path(os.path.expanduser(values["results_dir"])))
    return ComposedRun(values, {group: str(choices[group]) for group in GROUPS}, label)
