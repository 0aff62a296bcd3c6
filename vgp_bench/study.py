"""The cells of a study: what `hydra.sweeper` of its file and the words of the command line span together.

Values are written as on the command line, `depth: 2,20`, `seed: range(0,3)`, or as a list, `depth: [2, 20]`. A key on
the command line takes the place of the same key in the file, in every pair of a zip and in every point; equal ones are
then one. Where other keys of the pair or point stay, a line says so.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from vgp_bench.config_check import shown
from vgp_bench.errors import ConfigError

Expand = Callable[[str], tuple[str, list[str]]]
"""An override as typed -> its key, and an override for each of its values. Raises ConfigError."""

Cell = dict[str, str]
"""Key -> the override that sets it."""

PLACE = "hydra.sweeper"


class Rule(NamedTuple):
    """A condition, key -> values of which one must match, and what is set where every key matches."""

    part: str
    where: dict[str, str]
    sets: dict[str, str]

    def __str__(self) -> str:
        return f"{PLACE}.{self.part}: {{{', '.join(f'{key}: {value}' for key, value in self.where.items())}}}"


@dataclass(frozen=True)
class Study:
    """params: key -> values, every combination; zip: keys whose values go in pairs; points: cells of their own, each
    combined with the rest; seeds: 0 to seeds - 1; exclude: what is left out; when: what is set only where it fits.
    """

    params: dict[str, str] = field(default_factory=dict)
    zip: list[dict[str, str]] = field(default_factory=list)
    points: list[dict[str, str]] = field(default_factory=list)
    seeds: int | None = None
    rules: list[Rule] = field(default_factory=list)


def read_study(params: Any, zipped: Any, points: Any, exclude: Any, when: Any, seeds: Any) -> Study:
    """The study that the keys of hydra.sweeper describe, as plain values. Raises ConfigError for any other form."""
    if seeds is not None and (isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1):
        raise ConfigError(f"{PLACE}.seeds={shown(seeds)}: how many, 1 or more; 3 is seed=0,1,2")
    rules = [Rule("exclude", where, {}) for where in _mappings("exclude", exclude)]
    for rule in when or []:
        if not isinstance(rule, Mapping) or set(rule) != {"if", "set"}:
            raise ConfigError(f"{PLACE}.when: each entry is {{if: {{KEY: VALUE}}, set: {{KEY: VALUE}}}}")
        (where,), (sets,) = _mappings("when", [rule["if"]]), _mappings("when", [rule["set"]], shown)
        rules.append(Rule("when", where, sets))
    (grid,) = _mappings("params", [params]) if params else ({},)
    return Study(grid, _mappings("zip", zipped), _mappings("points", points), seeds, rules)


def cells(study: Study, words: Sequence[str], expand: Expand) -> list[Cell]:
    """Every cell in order, the last key changing fastest; words: the overrides of the command line."""
    typed = dict(expand(word) for word in words)
    typed_keys = {bare(key) for key in typed}
    axes = [*_axes(study, expand), *([{key: value} for value in values] for key, values in typed.items())]
    kept = []
    for number, axis in enumerate(axes):
        if number < len(axes) - len(typed):  # of the file
            without = [{key: word for key, word in cell.items() if bare(key) not in typed_keys} for cell in axis]
            axis = [dict(items) for items in dict.fromkeys(tuple(cell.items()) for cell in without)]
        kept.append(axis)
    return [{k: w for cell in combined for k, w in cell.items()} for combined in itertools.product(*kept)]


def loosened(study: Study, typed: Collection[str]) -> list[str]:
    """A line for each key of the command line that takes the place of one half of a pair, or of a key of points."""
    typed = {bare(key) for key in typed}
    lines = []
    for part, groups in (("zip", study.zip), ("points", study.points)):
        beside: dict[str, dict[str, None]] = {}
        for keys in groups:
            stays = {key: None for key in keys if bare(key) not in typed}
            for key in keys:
                if bare(key) in typed and stays:
                    beside.setdefault(bare(key), {}).update(stays)
        lines += [
            f"{key} of the command line stands in every entry of {PLACE}.{part}; {', '.join(stays)} vary as before"
            for key, stays in beside.items()
        ]
    return lines


def _axes(study: Study, expand: Expand) -> list[list[Cell]]:
    seeds = {"seed": f"range({study.seeds})"} if study.seeds is not None else {}
    used: dict[str, str] = {}
    for part, keys in (("params", study.params), *(("zip", z) for z in study.zip), ("seeds", seeds)):
        for key in keys:
            if key in used:
                raise ConfigError(f"{PLACE}: {key} is in {used[key]} and in {part}; name it once")
            used[key] = part
    for key in dict.fromkeys(key for point in study.points for key in point):
        if key in used:
            raise ConfigError(f"{PLACE}: {key} is in {used[key]} and in points; name it once")
    axes = [_grid({key: values}, expand) for key, values in study.params.items()]
    axes += [_paired(keys, expand) for keys in study.zip]
    if study.points:
        axes.append([cell for point in study.points for cell in _grid(point, expand)])
    return [*axes, *([_grid(seeds, expand)] if seeds else [])]


def _grid(keys: Mapping[str, str], expand: Expand) -> list[Cell]:
    expanded = [expand(f"{key}={values}") for key, values in keys.items()]
    combinations = itertools.product(*(values for _, values in expanded))
    return [dict(zip((key for key, _ in expanded), words, strict=True)) for words in combinations]


def _paired(keys: Mapping[str, str], expand: Expand) -> list[Cell]:
    expanded = dict(expand(f"{key}={values}") for key, values in keys.items())
    lengths = {key: len(values) for key, values in expanded.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{key} has {count}" for key, count in lengths.items())
        raise ConfigError(f"{PLACE}.zip: {counts} values; values in pairs need as many of each key")
    return [dict(zip(expanded, words, strict=True)) for words in zip(*expanded.values(), strict=True)]


def bare(key: str) -> str:
    """A key of an override without the sign that adds or deletes it."""
    return key.lstrip("+~")


def _mappings(part: str, content: Any, as_typed: Callable[[Any], str] | None = None) -> list[dict[str, str]]:
    """One mapping or a list of them; values as typed on the command line, by default lists as several of them."""
    as_typed = as_typed or _values
    found = [content] if isinstance(content, Mapping) else content or []
    if not isinstance(found, list) or not all(isinstance(entry, Mapping) and entry for entry in found):
        raise ConfigError(f"{PLACE}.{part}: write KEY: VALUES, or a list of such entries")
    return [{str(key): as_typed(value) for key, value in mapping.items()} for mapping in found]


def _values(value: Any) -> str:
    return ",".join(map(shown, value)) if isinstance(value, list) else shown(value)
