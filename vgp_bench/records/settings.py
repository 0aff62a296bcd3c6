"""What tells configs apart, in the words a person chose them with.

A component group (architecture, optimizer, ...) is named by its chosen option; a key inside it counts only where
configs with the same option differ in it, because options differ in their keys by nature.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vgp_bench.records.identity import canonical, settled

GROUP_ORDER = (
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
"""Order in which settings are shown; what is not in it comes after, by name."""

SHOWN_CONSTANTS = ("architecture.depth", "optimizer.lr", "trainer.max_epochs", "trainer.max_steps")
"""Keys worth a word even where all configs agree on them."""

TARGET = "_target_"

Value = bool | int | float | str | None
"""A setting as shown; None: the config has no such key (a key that is null is the text "null")."""


@dataclass(frozen=True)
class Settings:
    """names: dotted keys in which the configs differ; values: one dict of these a config; constants: key -> value."""

    names: list[str]
    values: list[dict[str, Value]]
    constants: dict[str, Value]


def tell_apart(configs: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, str]]) -> Settings:
    """The fewest settings that tell these configs apart; no two different configs get the same values.

    configs: resolved, as for run_id; `seed` and the volatile keys are ignored. choices: group -> option, one dict
    a config; a component without a known choice is named by its class.
    """
    flat = [settled(config, without=("seed",)) for config in configs]
    labels = [_labels(config, chosen) for config, chosen in zip(configs, choices, strict=True)]
    groups = sorted({group for label in labels for group in label}, key=len, reverse=True)

    names = {group for group in groups if _distinct([label.get(group) for label in labels]) > 1}
    for key in {key for config in flat for key in config}:
        owner = next((group for group in groups if key == group or key.startswith(group + ".")), None)
        if any(_distinct([flat[i].get(key, ...) for i in same]) > 1 for same in _partition(labels, owner)):
            names.add(key.removesuffix(f".{TARGET}"))
    for key in SHOWN_CONSTANTS:
        # Everybody asks for these: a rate of .1 with one optimizer and of .001 with another is a difference too.
        if _distinct([config[key] for config in flat if key in config]) > 1:
            names.add(key)

    ordered = sorted(names, key=_position)
    ambiguous = _options_with_several_classes(flat, labels)
    values = [
        {name: _value(name, config, label, ambiguous) for name in ordered}
        for config, label in zip(flat, labels, strict=True)
    ]
    if _distinct([list(map(str, row.values())) for row in values]) < _distinct(flat):
        # Last resort (say, two classes of one name): never let different configs look the same.
        ordered.append("config")
        for row, config in zip(values, flat, strict=True):
            row["config"] = hashlib.sha256(canonical(config).encode()).hexdigest()[:8]
    constants: dict[str, Value] = {
        name: _value(name, flat[0], labels[0], ambiguous)
        for name in sorted({*groups, *SHOWN_CONSTANTS} - names, key=_position)
        if flat
        and all(name in label or config.get(name) is not None for config, label in zip(flat, labels, strict=True))
    }
    return Settings(ordered, values, constants)


def natural_key(value: Value) -> tuple[Any, ...]:
    """Sorts missing values first, then numbers by size, then texts with the numbers in them by size."""
    if value is None:
        return (0,)
    if isinstance(value, (int, float)):
        return (1, float(value))
    parts = re.split(r"(\d+)", value)
    return (2, [(int(part), "") if part.isdigit() else (-1, part) for part in parts])


def _labels(config: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, str]:
    labels = {}
    for group, value in config.items():
        if group in choices:
            labels[group] = choices[group]
        elif isinstance(value, Mapping) and TARGET in value:
            labels[group] = _class_name(value[TARGET])
    return labels


def _partition(labels: Sequence[Mapping[str, str]], group: str | None) -> list[list[int]]:
    parts: dict[str | None, list[int]] = {}
    for i, label in enumerate(labels):
        parts.setdefault(None if group is None else label.get(group), []).append(i)
    return list(parts.values())


def _options_with_several_classes(
    flat: Sequence[Mapping[str, Any]], labels: Sequence[Mapping[str, str]]
) -> set[tuple[str, str]]:
    classes: dict[tuple[str, str], set[str]] = {}
    for config, label in zip(flat, labels, strict=True):
        for group, option in label.items():
            classes.setdefault((group, option), set()).add(str(config.get(f"{group}.{TARGET}")))
    return {option for option, found in classes.items() if len(found) > 1}


def _value(name: str, config: Mapping[str, Any], labels: Mapping[str, str], ambiguous: set[tuple[str, str]]) -> Value:
    target = config.get(f"{name}.{TARGET}")
    if name in labels:
        several = (name, labels[name]) in ambiguous
        return f"{labels[name]} ({_class_name(target)})" if several else labels[name]
    if target is not None:
        return _class_name(target)
    if name not in config:
        return None
    value = config[name]
    return value if isinstance(value, (bool, int, float, str)) else canonical(value)


def _class_name(target: Any) -> str:
    return str(target).rpartition(".")[2]


def _position(name: str) -> tuple[int, str]:
    group = name.partition(".")[0]
    return (GROUP_ORDER.index(group) if group in GROUP_ORDER else len(GROUP_ORDER), name)


def _distinct(values: Sequence[Any]) -> int:
    # `...` stands for a key the config does not have, which is not the same as null.
    return len({"absent" if value is ... else canonical(value) for value in values})
