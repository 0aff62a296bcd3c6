"""From a checked config to the objects of a run: the only place where this happens."""

import functools
import inspect
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_object, instantiate
from torch.optim import Optimizer

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.initializers_rbm import PretrainingInitializer
from vgp_bench.config_check import parameters, reads_images_as_sequences
from vgp_bench.data.feed import Feed, make_feed
from vgp_bench.data.images import ImageData
from vgp_bench.data.sequences import SequenceData
from vgp_bench.errors import ConfigError
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.monitor import Monitor, Probe
from vgp_bench.trackers.tracker import Tracker
from vgp_bench.training.clipping import AdaptiveClipping, Clipping, NormClipping, ValueClipping
from vgp_bench.training.loop import Loop, Sink
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
    optimizer = _optimizer(config["optimizer"], model, device)
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
        clipping=_clipping(settings, model),
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
    activation = _factory(config["activation"])
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


def make(option: dict[str, Any], *arguments: Any, **objects: Any) -> Any:
    """What a config node names, given the objects no config can hold; those reach the target as they are."""
    # Not as arguments of instantiate: it would turn tuples and dataclasses into config nodes.
    return instantiate({**option, "_partial_": True}, _convert_="all")(*arguments, **objects)


def _factory(option: dict[str, Any]) -> Callable[[], Any]:
    """make(option), again and again: Hydra reads it once, which in a deep network is most of the time. What is nested
    in it would be shared by all: such an option is read anew each time."""
    if any(isinstance(value, dict | list) for value in option.values()):
        return functools.partial(make, option)
    factory: Callable[[], Any] = instantiate({**option, "_partial_": True}, _convert_="all")
    return factory


def _choose_operations(deterministic: bool) -> None:
    """For the whole process, so set for every run. What has no deterministic form then raises RuntimeError."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        torch.backends.cudnn.benchmark = False  # it would choose kernels by their speed of the moment


def _optimizer(option: dict[str, Any], model: Architecture, device: torch.device) -> Optimizer:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    more: dict[str, Any] = {}
    # Adagrad has a fused kernel on the CPU only.
    has_kernel = device.type == "cpu" or not option["_target_"].endswith(".Adagrad")
    if has_kernel and "fused" not in option and "fused" in inspect.signature(get_object(option["_target_"])).parameters:
        more["fused"] = True  # one kernel for all parameters: the quickest on CPU and CUDA
        if device.type == "cuda" and "lr" in option:
            # On the device it can change between replays of a captured graph; a Python number could not. Only the
            # fused kernels read it there: torch's other ones would make the host wait for its value.
            more["lr"] = torch.tensor(float(option["lr"]), device=device)
    try:
        optimizer: Optimizer = make(option, parameters, **more)
    except ValueError as error:  # torch checks its own ranges ("Invalid momentum value: -1")
        culprits = [f"{key}={value}" for key, value in option.items() if str(error).endswith(f" {value}")]
        where = f".{culprits[0]}" if len(culprits) == 1 else ""
        raise ConfigError(f"optimizer{where}: {error}") from error
    return optimizer


def _clipping(settings: TrainerSettings, model: Architecture) -> Clipping | None:
    if settings.clip_norm is not None:
        return NormClipping(settings.clip_norm)
    if settings.clip_value is not None:
        return ValueClipping(settings.clip_value)
    if settings.clip_adaptive is not None:
        classifier = [module for module in model.stages()[-1].module.modules() if isinstance(module, torch.nn.Linear)]
        return AdaptiveClipping(settings.clip_adaptive, frozenset(classifier[-1].parameters()))
    return None
