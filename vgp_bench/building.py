"""From a checked config to the objects of a run: the only place where this happens."""

import functools
import inspect
import json
import os
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_object

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.initializers_rbm import PretrainingInitializer
from vgp_bench.config_check import parameters, reads_images_as_sequences
from vgp_bench.data.feed import Feed, make_feed
from vgp_bench.data.images import ImageData
from vgp_bench.data.sequences import SequenceData
from vgp_bench.errors import ConfigError
from vgp_bench.making import factory, make
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.monitor import Monitor, Probe
from vgp_bench.trackers.tracker import Tracker
from vgp_bench.training.clipping import make_clipping
from vgp_bench.training.loop import Loop, Sink
from vgp_bench.training.optimizers import make_optimizer
from vgp_bench.training.precision import begin_momentum
from vgp_bench.training.settings import TrainerSettings

INITIALIZATION_BATCH = 128
"""Training samples shown to initializers that look at data (LSUV) and do not learn from it."""


def build(config: dict[str, Any], sink: Sink) -> Loop:
    """Everything a training needs, from a resolved and checked config whose device is no longer `auto`.

    Two calls with the same config build the same network, to the bit. Raises ConfigError or DataError.
    """
    device = torch.device(config["device"])
    _choose_operations(config["deterministic"])
    settings: TrainerSettings = make(config["trainer"])
    cadence: Cadence = make(config["monitor"])
    data = load_data(json.dumps(config["dataset"]), config["data_dir"], device)
    reads_sequences = "sequence" in parameters(config["architecture"])
    images_as = (config["images_as"] or "rows") if reads_sequences else None
    feed = make_feed(data, settings.batch_size, config["seed"], device, images_as)
    # Of its own size: what is measured must not change how an initializer that looks at data begins.
    inputs, _ = feed.batches.probe(_samples_to_initialize(config, feed.most_probes))
    probe = None
    if cadence.probe_images and not cadence.is_off:
        probe = Probe(*feed.batches.probe(min(cadence.probe_images, feed.most_probes)), feed.objective)
    torch.manual_seed(config["seed"])
    model = build_model(config, feed, inputs)
    optimizer = make_optimizer(config["optimizer"], model, device)
    if settings.precision == "fp16":
        begin_momentum(optimizer)
    total_steps = settings.total_steps(feed.batches.steps_per_epoch)
    return Loop(
        model=model,
        feed=feed,
        optimizer=optimizer,
        schedule=make(config["schedule"], optimizer=optimizer, total_steps=total_steps),
        settings=settings,
        monitor=Monitor(model, cadence, probe, optimizer),
        sink=sink,
        device=device,
        clipping=make_clipping(settings, model),
    )


def _samples_to_initialize(config: dict[str, Any], available: int) -> int:
    initializer = make(config["initializer"])
    if isinstance(initializer, PretrainingInitializer):
        return initializer.samples_of(available)
    return min(INITIALIZATION_BATCH, available)


def build_model(config: dict[str, Any], feed: Feed, inputs: torch.Tensor) -> Architecture:
    """The initialized network on the device of `inputs`, training samples for initializers that look at data.

    Drawn on the CPU from torch's global generator, so that a seed means the same network on every device.
    """
    activation = factory(config["activation"])
    parts = Parts(activation=activation, normalizer=make(config["normalizer"]))
    model: Architecture = make(config["architecture"], **feed.shapes, parts=parts)
    make(config["initializer"]).initialize(model, activation, inputs.cpu())
    model.finish_initialization()
    make(config["learning_rule"]).apply(model, config["seed"])
    return model.to(inputs.device)


def build_trackers(config: dict[str, Any]) -> dict[str, Tracker]:
    """The trackers of a checked config by name, none opened yet. Raises ConfigError."""
    return {name: make(option) for name, option in config["tracker"].items()}


@functools.lru_cache(maxsize=2)
def load_data(dataset: str, data_dir: str, device: torch.device) -> ImageData | SequenceData:
    """The data set of a config node (as JSON text) on the device; kept, so that the runs of a sweep share it."""
    data: ImageData | SequenceData = make(json.loads(dataset), data_dir=Path(data_dir))
    return data.to(device)


def settled(config: dict[str, Any]) -> dict[str, Any]:
    """The config with what depends on other keys written out, so that equal runs have equal configs and no others.

    The data set's own paths are made absolute, where its module names such keys in PATH_KEYS: they are relative to
    data_dir, which does not name a run. images_as gets its default where images go to a model of sequences.
    """
    if config["images_as"] is None and reads_images_as_sequences(config):
        config = {**config, "images_as": "rows"}
    option = config["dataset"]
    keys = getattr(inspect.getmodule(get_object(option["_target_"])), "PATH_KEYS", ())
    root = Path(config["data_dir"]).expanduser()
    paths = {key: str((root / Path(option[key]).expanduser()).resolve()) for key in keys if option.get(key)}
    return {**config, "dataset": {**option, **paths}}


def resolve_device(name: str) -> str:
    """`auto` becomes cuda where there is a device, else cpu. Raises ConfigError for a device that is not there."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda"):
        _, _, index = name.partition(":")
        if not torch.cuda.is_available():
            raise ConfigError(f"device={name}: torch sees no CUDA device here; use device=cpu or device=auto")
        if index and (not index.isdecimal() or int(index) >= torch.cuda.device_count()):
            raise ConfigError(f"device={name}: there are {torch.cuda.device_count()} CUDA devices, counted from 0")
    return name


def device_name(device: torch.device) -> str:
    """The device as a table should name it."""
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else "cpu"


def _choose_operations(deterministic: bool) -> None:
    """For the whole process, so set for every run. What has no deterministic form then raises RuntimeError."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        torch.backends.cudnn.benchmark = False  # it would choose kernels by their speed of the moment
