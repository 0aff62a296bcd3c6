"""Which runs are the same but for their seed, and which of them count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vgp_bench.records.identity import VOLATILE_KEYS, canonical, flatten, settled
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.settings import SHOWN_CONSTANTS, TARGET, Settings, Value, natural_key, tell_apart

STATES = ("completed", "diverged", "failed", "interrupted", "lost", "running")


@dataclass(frozen=True)
class Group:
    """values: its settings; runs: all, by seed; counted: one a seed."""

    values: dict[str, Value]
    runs: list[RunRecord]
    counted: list[RunRecord]


def group_runs(records: Sequence[RunRecord]) -> tuple[Settings, list[Group]]:
    """The groups in the natural order of their settings, and what tells them apart."""
    by_config = _by_config(records)
    choices = [_choices(group) for group in by_config]
    settings = tell_apart(_without_equal_keys([group[0].config for group in by_config], choices), choices)
    groups = []
    for values, group in zip(settings.values, by_config, strict=True):
        runs = sorted(group, key=lambda record: natural_key(record.seed))
        groups.append(Group(values, runs, _one_a_seed(runs)))
    groups.sort(key=lambda group: [natural_key(value) for value in group.values.values()])
    return settings, groups


def _by_config(records: Sequence[RunRecord]) -> list[list[RunRecord]]:
    # The text of a config is cheap, its canonical form is not: thousands of runs share hundreds of texts.
    ignored = VOLATILE_KEYS | {"seed"}
    names: dict[str, str] = {}
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        text = repr([(key, value) for key, value in record.config.items() if key not in ignored])
        if text not in names:
            names[text] = canonical(settled(record.config, without=("seed",)))
        groups.setdefault(names[text], []).append(record)
    return list(groups.values())


def _without_equal_keys(
    configs: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, str]]
) -> list[Mapping[str, Any]]:
    """The configs without the keys that every one has with the same value: they tell nothing apart, and are many."""
    flat = [flatten(config) for config in configs]
    equal = {
        key
        for key, value in flat[0].items()
        if not key.endswith(TARGET)
        and key not in SHOWN_CONSTANTS
        and all(key in other and _equal(other[key], value) for other in flat)
    }
    groups = {group for chosen in choices for group in chosen}
    return [_prune(config, equal, groups) for config in configs]


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)  # True is not 1; what this misses, such as 1.0 and 1, is kept


def _prune(config: Mapping[str, Any], equal: set[str], groups: set[str]) -> dict[str, Any]:
    pruned: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and TARGET in value:
            pruned[key] = {k: v for k, v in value.items() if f"{key}.{k}" not in equal}
        elif key in groups or key not in equal:
            pruned[key] = value
    return pruned


def _choices(group: Sequence[RunRecord]) -> dict[str, str]:
    # The same config can be reached by different words (depth=20, or an option that says so): name them all.
    if all(record.choices == group[0].choices for record in group):
        return group[0].choices
    names = {name for record in group for name in record.choices}
    return {name: "|".join(sorted({r.choices[name] for r in group if name in r.choices})) for name in names}


def _one_a_seed(group: Sequence[RunRecord]) -> list[RunRecord]:
    best: dict[Any, RunRecord] = {}
    for record in group:
        key = record.path if record.seed is None else record.seed
        if key not in best or _rank(record) > _rank(best[key]):
            best[key] = record
    return list(best.values())


def _rank(record: RunRecord) -> tuple[bool, str]:
    return record.state == "completed", record.status.started if record.status else ""
