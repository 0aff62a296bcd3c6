"""Each group against the one that differs only in the chosen keys, seed by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vgp_bench.compare.comparison import Comparison
from vgp_bench.compare.estimates import NOTHING, Estimate, paired
from vgp_bench.compare.keys import find_key, listed, parse_pair, same, split_words
from vgp_bench.compare.metrics import Metric
from vgp_bench.errors import UserError
from vgp_bench.records.settings import natural_key

OPTION = "--baseline"
ITSELF = "baseline"
NO_PARTNER = "none"
NO_SEED = "no common seed"


@dataclass(frozen=True)
class Baseline:
    """words: the chosen settings as typed, keys in full; partner: the baseline group of each group, if it has one.

    pairs: seeds completed in both; states: ITSELF, the number of pairs, or why there is no difference, a word a group;
    differences: (group, metric) -> Estimate of value - baseline, or value / baseline for factors.
    """

    words: dict[str, str]
    partner: list[int | None]
    pairs: list[int]
    states: list[str]
    differences: dict[tuple[int, str], Estimate]

    @property
    def name(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.words.items())


def against(comparison: Comparison, text: str) -> Baseline:
    """The paired differences to the baseline `key=value[,key=value]`.

    The partner of a group has these values and otherwise the same settings. Of settings inside a changed option, those
    that one of the two does not have (optimizer.momentum, where the optimizer changes) say nothing, if one candidate
    alone is left.
    Raises UserError for a key in which no runs differ and for a value that no run has.
    """
    pairs_of_words = [_word(comparison, part) for part in split_words(text)]
    words = dict(pairs_of_words)
    if len(words) < len(pairs_of_words):
        raise UserError(f"{OPTION} {text}: a key is named twice; a baseline has one value of each")
    if not words:
        parse_pair(text, OPTION)
    rows: list[dict[str, Any]] = comparison.groups[comparison.settings].to_dict("records")  # type: ignore[assignment]
    is_baseline = [all(same(row[key], value) for key, value in words.items()) for row in rows]
    if not any(is_baseline):
        raise UserError(f"{OPTION} {text}: no run has these values together; choose those of a row of the table")
    partner = _partners(rows, is_baseline, words)
    values = _values_by_seed(comparison)

    pairs, states, differences = [], [], {}
    for group, other in enumerate(partner):
        mine = values[group]
        theirs = values[other] if other is not None else {}
        common = [seed for seed in mine if seed in theirs]
        pairs.append(len(common))
        compared = other is not None and other != group
        states.append(
            ITSELF if is_baseline[group] else NO_PARTNER if other is None else str(len(common)) if common else NO_SEED
        )
        for column, metric in enumerate(comparison.metrics):
            differences[group, metric.name] = (
                _difference(metric, column, {s: mine[s] for s in common}, theirs) if compared else NOTHING
            )
    return Baseline(words, partner, pairs, states, differences)


def _word(comparison: Comparison, part: str) -> tuple[str, str]:
    word, value = parse_pair(part, OPTION)
    known = [*comparison.settings, *comparison.constants]
    key = find_key(word, known, OPTION, preferred=comparison.settings)
    if key not in comparison.settings:
        there = ", ".join(comparison.settings) or "none; these runs differ in their seed alone"
        raise UserError(f"{OPTION} {part}: all runs agree on {key}; choose a key in which they differ: {there}")
    present = sorted(set(comparison.groups[key]), key=natural_key)
    if not any(same(found, value) for found in present):
        raise UserError(f"{OPTION} {part}: no run has {key}={value}; there are: {listed(present)}")
    return key, value


def _partners(
    rows: Sequence[Mapping[str, Any]], is_baseline: Sequence[bool], words: Mapping[str, str]
) -> list[int | None]:
    """For each group the number of its baseline group."""
    strict = [key for key in rows[0] if key not in words]
    inside = [key for key in strict if any(key.startswith(f"{changed}.") for changed in words)]
    loose = [key for key in strict if key not in inside]
    exact: dict[tuple[Any, ...], list[int]] = {}
    near: dict[tuple[Any, ...], list[int]] = {}
    for number, row in enumerate(rows):
        if is_baseline[number]:
            exact.setdefault(tuple(row[key] for key in strict), []).append(number)
            near.setdefault(tuple(row[key] for key in loose), []).append(number)

    def lacks_only(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        return all(row[key] == other[key] or None in (row[key], other[key]) for key in inside)

    partner: list[int | None] = []
    for number, row in enumerate(rows):
        candidates = exact.get(tuple(row[key] for key in strict), []) or [
            other for other in near.get(tuple(row[key] for key in loose), []) if lacks_only(row, rows[other])
        ]
        partner.append(number if is_baseline[number] else candidates[0] if len(candidates) == 1 else None)
    return partner


def _values_by_seed(comparison: Comparison) -> list[dict[Any, list[float]]]:
    """group -> seed -> the metrics, of the counted runs that completed."""
    values: list[dict[Any, list[float]]] = [{} for _ in comparison.members]
    runs = comparison.runs
    table = runs[[metric.name for metric in comparison.metrics]].to_numpy(dtype=float).tolist()
    known = zip(runs["group"], runs["seed"], runs["state"], runs["counted"], table, strict=True)
    for group, seed, state, counted, row in known:
        if counted and state == "completed" and seed is not None:
            values[group][seed] = row
    return values


def _difference(
    metric: Metric, column: int, mine: Mapping[Any, list[float]], theirs: Mapping[Any, list[float]]
) -> Estimate:
    if metric.average == "share":
        return NOTHING  # of the pairs, both completed
    return paired(
        {seed: row[column] for seed, row in mine.items()},
        {seed: row[column] for seed, row in theirs.items()},
        metric.geometric,
    )
