"""The check of a composed config, before anything is built.

Hydra accepts what a YAML file says: depth=ten, a misspelt key, `_target:` for `_target_:`. Here every `_target_` is
looked up and its keys and types are compared with the signature it names.
"""

import difflib
import importlib.util
import inspect
import logging
import math
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, Union

from vgp_bench.config import GROUPS, ComposedRun, RunConfig, config_dir
from vgp_bench.errors import ConfigError
from vgp_bench.option_keys import comment_of
from vgp_bench.records.pace import Pace

SUPPLIED: Mapping[str, frozenset[str]] = {
    "architecture": frozenset({"image_shape", "classes", "sequence", "parts"}),
    "dataset": frozenset({"data_dir"}),
    "optimizer": frozenset({"params"}),
    "schedule": frozenset({"optimizer", "total_steps"}),
}
"""Parameters that the runner passes itself, so that no config may or must set them."""


def check(composed: ComposedRun) -> None:
    """Compare every group of the config with the signature of its target.

    Raises ConfigError, in one line, for an unknown or missing key, a value of the wrong type, or a target that does
    not exist.
    """
    known = {field.name for field in fields(RunConfig)}
    for key in composed.config:
        if key not in known:
            raise ConfigError(f"{key}: a run has no such key.{did_you_mean(key, known)}")
    for group in GROUPS:
        option = composed.config.get(group)
        source = f"{group}={composed.choices[group]}"
        if not isinstance(option, dict) or "_target_" not in option:
            raise ConfigError(f"{source}: its file has no `_target_:` key, so it names nothing to build")
    # Before the keys: an experiment made for sequences sets keys that no network for images has.
    _check_fit(composed)
    for group in GROUPS:
        _check_target(
            composed.config[group], group, f"{group}={composed.choices[group]}", SUPPLIED.get(group, frozenset())
        )
    for name, option in composed.config["tracker"].items():
        _check_tracker(name, option)
    _check_launcher(composed.config)
    name = composed.config["experiment_name"]
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ConfigError(f"experiment_name={name}: it names a folder; use letters, digits, '_', '-' and '.'")
    seed = composed.config["seed"]
    if not 0 <= seed < 2**64:
        raise ConfigError(f"seed={seed}: must be 0 or more and below 2^64")
    Pace(composed.config["checkpoint_seconds"], composed.config["checkpoint_steps"])
    device = composed.config["device"]
    if device not in ("auto", "cpu", "cuda") and not str(device).startswith("cuda:"):
        raise ConfigError(f"device={device}: use auto, cpu, cuda or cuda:N")


def parameters(option: Mapping[str, Any]) -> frozenset[str]:
    """The names of the parameters that a config node's target takes."""
    return frozenset(_signature(_locate(option["_target_"], option["_target_"]))[0].parameters)


def _check_tracker(name: str, option: Any) -> None:
    """Of trackers there may be several, each below its own name; their packages are optional."""
    source = f"tracker={name}"
    if not isinstance(option, dict) or "_target_" not in option:
        raise ConfigError(
            f"tracker.{name}: no tracker; its file must begin with `# @package tracker.NAME` and have a `_target_:`"
        )
    _check_target(option, f"tracker.{name}", source, frozenset())
    _check_installed(option["_target_"], source)


def _check_launcher(config: Mapping[str, Any]) -> None:
    """Where runs are run; how many at once is a key of its own, because all launchers share it."""
    option, jobs = config["launcher"], config["jobs"]
    if not isinstance(option, dict) or "_target_" not in option:
        raise ConfigError("launcher: it takes one option, launcher=NAME; see `vgp-bench list launcher`")
    source = f"launcher={option['_target_'].split('.')[-1].lower()}"
    _check_target(option, "launcher", source, frozenset())
    _check_installed(option["_target_"], source)
    if jobs != "auto" and (not matches(jobs, int) or jobs < 1):
        raise ConfigError(f"jobs={shown(jobs)}: use auto, or the number of runs at once, 1 or more")
    if jobs not in ("auto", 1) and source == "launcher=inline":
        raise ConfigError(f"jobs={jobs}: launcher=inline runs one after the other; use launcher=local")


def _check_installed(target: str, source: str) -> None:
    """A module that imports an optional package names it, and what pip installs it with."""
    package, install = getattr(inspect.getmodule(_locate(target, source)), "NEEDS", (None, None))
    if package is not None:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:  # without origin: just a folder of that name, as W&B makes one
            raise ConfigError(f"{source} needs the package {package}: pip install '{install}'")


def _check_fit(composed: ComposedRun) -> None:
    """An architecture takes `image_shape` or `sequence`; a data set returns images or sequences."""
    config, choices = composed.config, composed.choices
    reads_sequences = "sequence" in parameters(config["architecture"])
    gives_sequences = _gives_sequences(config["dataset"])
    if config["normalizer"]["_target_"].endswith(".BatchNormalizer") and config["trainer"].get("batch_size") == 1:
        raise ConfigError(
            "trainer.batch_size=1: one sample has no statistics over the batch; use 2 or more, or normalizer=group"
        )
    if gives_sequences and not reads_sequences:
        raise ConfigError(
            f"architecture={choices['architecture']} reads images, dataset={choices['dataset']} gives sequences: "
            f"use architecture={_or(_readers_of_sequences())}"
        )
    ways = ("rows", "pixels", "permuted_pixels")
    if config["images_as"] not in (None, *ways):
        raise ConfigError(f"images_as={config['images_as']}: use {_or(ways)}")
    if config["images_as"] and (gives_sequences or not reads_sequences):
        what = (
            f"dataset={choices['dataset']} gives no images"
            if gives_sequences
            else f"architecture={choices['architecture']} reads images as they are"
        )
        raise ConfigError(f"images_as={config['images_as']}: {what}; leave it out")


def reads_images_as_sequences(config: Mapping[str, Any]) -> bool:
    """Whether images go to an architecture that reads sequences."""
    return "sequence" in parameters(config["architecture"]) and not _gives_sequences(config["dataset"])


def _gives_sequences(dataset: Mapping[str, Any]) -> bool:
    returned = _signature(_locate(dataset["_target_"], "dataset"))[1].get("return")
    return getattr(returned, "__name__", "") == "SequenceData"


def _readers_of_sequences() -> list[str]:
    import yaml

    options = {path.stem: yaml.safe_load(path.read_text()) for path in (config_dir() / "architecture").glob("*.yaml")}
    return sorted(name for name, option in options.items() if "sequence" in parameters(option))


def _or(words: Sequence[str]) -> str:
    return " or ".join(", ".join(words).rsplit(", ", 1))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """' Did you mean X?' where something known is close, else ''."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""


def _check_target(option: Mapping[str, Any], path: str, source: str, supplied: frozenset[str]) -> None:
    target = _locate(option["_target_"], source)
    signature, hints = _signature(target)
    takes = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name not in supplied and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    takes_any_key = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for key, value in option.items():
        if key == "_target_":
            continue
        where = f"{path}.{key}"
        if key not in takes and not takes_any_key:
            keys = f" It takes {', '.join(takes)}." if takes else " It takes no keys."
            raise ConfigError(f"{where}: {source} has no such key.{did_you_mean(str(key), takes)}{keys}")
        if isinstance(value, dict) and "_target_" in value:
            _check_target(value, where, source, frozenset())
        elif key in hints and not matches(value, hints[key]):
            what = comment_of("launcher", source.partition("=")[2], key) if path == "launcher" else ""
            raise ConfigError(f"{where}={shown(value)}: expected {describe(hints[key])}{what and f': {what}'}")
    missing = [n for n, p in takes.items() if p.default is inspect.Parameter.empty and n not in option]
    if missing:
        raise ConfigError(f"{source} needs {path}.{missing[0]}=...")


def _locate(name: Any, source: str) -> Callable[..., Any]:
    from hydra.errors import HydraException
    from hydra.utils import get_object

    if not isinstance(name, str):
        raise ConfigError(f"{source}: `_target_: {shown(name)}` must be the dotted name of a class or function")
    logging.getLogger("hydra.utils").disabled = True  # it would tell the error too, in three lines
    try:
        target = get_object(name)
    except (HydraException, ImportError, ValueError) as error:
        raise ConfigError(f"{source}: cannot find `_target_: {name}` ({' '.join(str(error).split())})") from error
    if not callable(target):
        raise ConfigError(f"{source}: `_target_: {name}` is a {type(target).__name__}, not a class or function")
    found: Callable[..., Any] = target
    return found


def _signature(target: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, Any]]:
    try:
        hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except (NameError, TypeError):
        hints = {}  # annotations that can't be evaluated can't be compared; the keys still are
    try:
        return inspect.signature(target), hints
    except ValueError:  # written in C, like torch.relu: takes whatever it takes
        return inspect.Signature([inspect.Parameter("keys", inspect.Parameter.VAR_KEYWORD)]), hints


def matches(value: Any, hint: Any) -> bool:
    """Whether a value from YAML fits a type annotation. An int fits float; a bool fits neither int nor float,
    NaN and infinity fit nothing."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(matches(value, argument) for argument in arguments)
    if origin is Literal:
        return any(value == argument and type(value) is type(argument) for argument in arguments)
    if hint is None or hint is type(None):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if hint is str:
        return isinstance(value, str)
    base = origin if inspect.isclass(origin) else hint
    if inspect.isclass(base) and issubclass(base, (list, tuple, Sequence)):
        elements = [argument for argument in arguments if argument is not Ellipsis]
        if not isinstance(value, (list, tuple)):
            return False
        if issubclass(base, tuple) and elements and Ellipsis not in arguments:
            return len(value) == len(elements) and all(map(matches, value, elements))
        return not elements or all(matches(element, elements[0]) for element in value)
    if inspect.isclass(base) and issubclass(base, Mapping):
        return isinstance(value, dict)
    try:
        return isinstance(value, base)
    except TypeError:
        return True  # Any, a type variable, a protocol: nothing to compare with


def describe(hint: Any) -> str:
    """A type annotation in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(describe(a) for a in arguments if not _only_in_code(a)))
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    names = {int: "an integer", float: "a number", bool: "true or false", str: "a word", type(None): "null"}
    if hint in names:
        return names[hint]
    if inspect.isclass(origin) and issubclass(origin, (list, tuple, Sequence)):
        of_any_length = origin is not tuple or Ellipsis in arguments
        elements = ", ".join(describe(a) for a in arguments if a is not Ellipsis)
        return f"a list [{elements}{', ...' if of_any_length else ''}]"
    return getattr(hint, "__name__", str(hint))


def _only_in_code(hint: Any) -> bool:
    """Types no YAML file can hold (a tensor as learning rate, say): not worth naming to a user."""
    return inspect.isclass(hint) and hint.__module__.split(".")[0] == "torch"


def shown(value: Any) -> str:
    """A YAML value as a user would type it."""
    if value is None:
        return "null"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
