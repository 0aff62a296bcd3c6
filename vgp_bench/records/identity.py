"""Which run a config is: the same numbers to come, the same name, the same folder."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

VOLATILE_KEYS: frozenset[str] = frozenset(
    {
        "results_dir",
        "data_dir",
        "experiment_name",
        "progress",
        "tracker",
        "launcher",
        "jobs",
        "checkpoint_seconds",
        "checkpoint_steps",
        "retry",
        "fail_fast",
        "hydra",
    }
)
"""Dotted config keys that cannot change a number of the run: where files lie, where runs are run, what is printed, who
gets a copy. A key stands for everything below it. Not here, because they can change numbers: device and precision.
How many CPU threads a run gets (launcher.threads, say) changes the last bits of sums on the CPU and names no run all
the same: environment.json has the number, and a run that was stopped goes on with it."""

_SCALARS = (str, int, float, type(None))
"""Asked for first, as dict before Mapping: an abstract class takes ten times as long to be asked for."""


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of a nested config under dotted keys, in order; lists and empty dicts are leaves."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if not isinstance(value, _SCALARS) and isinstance(value, (dict, Mapping)) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def settled(config: Mapping[str, Any], without: Iterable[str] = ()) -> dict[str, Any]:
    """The flattened config without VOLATILE_KEYS and without the dotted keys (and all below) in `without`."""
    dropped = VOLATILE_KEYS | frozenset(without)
    return {key: value for key, value in flatten(config).items() if not _at_or_below(key, dropped)}


@functools.cache  # configs have few different keys, and thousands of them are compared
def _at_or_below(key: str, dropped: frozenset[str]) -> bool:
    return any(key == d or key.startswith(d + ".") for d in dropped)


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, 1.0 written as 1 because both mean the same."""
    return _encode(_plain(value))


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, (dict, Mapping)):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def run_id(config: Mapping[str, Any]) -> str:
    """12 hexadecimal digits that name a run: the same for every config that gives the same numbers, on one kind of
    machine and with one number of CPU threads."""
    return hashlib.sha256(canonical(settled(config)).encode()).hexdigest()[:12]
