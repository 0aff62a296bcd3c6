"""Help for tests: configs as a user composes them, and small builds of them."""

import copy
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from vgp_bench import composition
from vgp_bench.building import build, resolve_device
from vgp_bench.config import ComposedRun, config_dir
from vgp_bench.config_check import check
from vgp_bench.training.loop import Loop

SMALL = {
    "mlp": ["architecture.depth=3", "architecture.width=16"],
    "residual_mlp": ["architecture.depth=3", "architecture.width=16"],
    "plain_cnn": ["architecture.depth=8", "architecture.width=8"],
    "resnet": ["architecture.depth=8", "architecture.width=8"],
    "resnet_preact": ["architecture.depth=8", "architecture.width=8"],
    "alexnet": ["architecture.width=24", "architecture.units=16", "architecture.dropout=0"],
    "vgg": ["architecture.depth=11", "architecture.width=8"],
    "resnet_imagenet": ["architecture.depth=18", "architecture.width=8"],
    "densenet": ["architecture.depth=10", "architecture.growth=8"],
    "densenet_bc": ["architecture.depth=16", "architecture.growth=8"],
    "highway_mlp": ["architecture.depth=3", "architecture.width=16"],
    "highway_cnn": ["architecture.depth=8", "architecture.width=8"],
    "vit": ["architecture.blocks=2", "architecture.width=16", "architecture.heads=2"],
    "transformer": ["architecture.blocks=2", "architecture.width=16", "architecture.heads=2"],
    "rnn": ["architecture.hidden=8"],
    "irnn": ["architecture.hidden=8"],
    "lstm": ["architecture.hidden=8"],
    "gru": ["architecture.hidden=8"],
}


def names_on_disk(group: str) -> list[str]:
    """Every option of a group, from its files."""
    names = sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))
    assert names, f"no configs of {group}: the tests over every yaml would test nothing"
    return names


def compose(*words: str, results: Path | str = "results") -> ComposedRun:
    """What `vgp-bench run WORDS` composes: one run. Equal words are composed once, as it takes a tenth of a
    second; test_composing.py compares the two."""
    if any(word.startswith("-") for word in words):  # --config-dir: what is in it may change
        (composed,) = composition.compose([*words, f"results_dir={results}"])
        return composed
    once = composed_once(words, os.environ.get("VGP_DATA_DIR"), os.environ.get("HOME"))
    config = copy.deepcopy(once.config) | {"results_dir": str(Path(results).expanduser())}
    return replace(once, config=config, choices=dict(once.choices), label=f"{once.label} results_dir={results}".strip())


@cache
def composed_once(words: tuple[str, ...], data_dir: str | None, home: str | None) -> ComposedRun:
    """data_dir, home: of the environment, what a composed run depends on beside configs and words."""
    if any(word.startswith("experiment=") for word in words):  # perhaps of a study, which is no single run
        (composed,) = composition.compose(words)
    else:
        (composed,) = composition.compose_each([words])
    return composed


def small_build(composed: ComposedRun, **overrides: Any) -> Loop:
    """The objects of a run on a small subset of the digits; depth and width small where not named otherwise."""
    config = {**composed.config, "device": resolve_device("cpu")}
    config["dataset"] = {**config["dataset"], "train_size": 64, "validation_size": 32, "test_size": 32}
    config["trainer"] = {**config["trainer"], "batch_size": 16, **overrides}
    if composed.choices["architecture"] in SMALL:
        small = dict(word.removeprefix("architecture.").split("=") for word in SMALL[composed.choices["architecture"]])
        named = {w.split("=")[0].removeprefix("architecture.") for w in composed.label.split() if "architecture." in w}
        config["architecture"] = {
            **config["architecture"],
            **{key: int(value) for key, value in small.items() if key not in named},
        }
    check(ComposedRun(config, composed.choices, composed.label))
    return build(config, lambda row: None)
