"""Which run a config is: the same numbers to come, the same name, the same folder."""

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
        "hydra",
    }
)
"""Dotted config keys that cannot change a number of the run: where files lie, what is printed. A key stands
for everything below it. Not here, because they can change numbers: device, precision, number of threads."""


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of a nested config under dotted keys, in order; lists and empty dicts are leaves."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def settled(config: Mapping[str, Any], without: Iterable[str] = ()) -> dict[str, Any]:
    """The flattened config without VOLATILE_KEYS and without the dotted keys (and all below) in `without`."""
    dropped = VOLATILE_KEYS | frozenset(without)
    return {
        key: value
        for key, value in flatten(config).items()
        if not any(key == d or key.startswith(d + ".") for d in dropped)
    }


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, 1.0 written as 1 because both mean the same."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def run_id(config: Mapping[str, Any]) -> str:
    """12 hexadecimal digits that name a run: the same for every config that gives the same numbers."""
    return hashlib.sha256(canonical(settled(config)).encode()).hexdigest()[:12]
