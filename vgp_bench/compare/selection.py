"""Which of the runs: `--where key=value`."""

from collections.abc import Mapping, Sequence
from typing import Any

from vgp_bench.compare.keys import find_key, listed, parse_pair, same, split_words
from vgp_bench.errors import ResultsError
from vgp_bench.records.identity import canonical, flatten
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.settings import TARGET, natural_key

OPTION = "--where"
DAMAGED = "damaged"


def choose(records: Sequence[RunRecord], conditions: Sequence[str]) -> list[RunRecord]:
    """The runs that meet every condition `key=value[,value...]`, and the damaged ones, of which nobody can tell.

    A key is any of a config, also `seed`; a component group is known by its option or its class. Raises UserError for
    a key that no run has, ResultsError with the values there are if no run is left.
    """
    kept = list(records)
    if not conditions:
        return kept
    settings = {id(record): _settings(record) for record in kept if record.state != DAMAGED}
    for condition in conditions:
        word, values = parse_pair(condition, OPTION)
        found = list(settings.values())
        known = dict.fromkeys(key for flat in found for key in flat)
        if not known:
            return kept
        # Only looked at where the name alone does not tell: it reads every value.
        differing = [] if word in known else [key for key in known if _differs(key, found)]
        key = find_key(word, known, OPTION, differing)
        wanted = split_words(values)
        left = [
            record
            for record in kept
            if id(record) not in settings
            or any(same(value, want) for value in settings[id(record)].get(key, [None]) for want in wanted)
        ]
        if not any(id(record) in settings for record in left):
            present = {value for r in kept if id(r) in settings for value in settings[id(r)].get(key, [None])[:1]}
            there = listed(sorted(present, key=natural_key))
            raise ResultsError(f"{OPTION} {condition}: no run is left; {key} is {there} in the others")
        kept = left
        settings = {id(record): settings[id(record)] for record in kept if id(record) in settings}
    return kept


def _settings(record: RunRecord) -> dict[str, list[Any]]:
    """Every key of a run with its values as shown; a component group has two names, its option and its class."""
    flat = flatten(record.config)
    found: dict[str, list[Any]] = {}
    for key, value in flat.items():
        if key.endswith(f".{TARGET}"):
            found.setdefault(key.removesuffix(f".{TARGET}"), []).append(str(value).rpartition(".")[2])
        else:
            found[key] = [value if isinstance(value, (bool, int, float, str)) else canonical(value)]
    for group, option in record.choices.items():
        if group in record.config:
            found[group] = [option, *found.get(group, [])]
    return found


def _differs(key: str, settings: Sequence[Mapping[str, list[Any]]]) -> bool:
    return len({str(flat.get(key)) for flat in settings}) > 1
