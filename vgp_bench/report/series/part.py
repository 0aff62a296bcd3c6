"""Some groups of a comparison, as if there were no others; and its groups without the runs that cannot be read."""

from collections.abc import Sequence
from dataclasses import replace

from vgp_bench.compare import Comparison
from vgp_bench.errors import ResultsError
from vgp_bench.records.readable import unreadable


def part(comparison: Comparison, groups: Sequence[int]) -> Comparison:
    """These groups, numbered anew from 0 in the same order. Settings in which they agree are constants."""
    number = {old: new for new, old in enumerate(groups)}
    table = comparison.groups.loc[list(groups)].reset_index(drop=True)
    settings = [key for key in comparison.settings if table[key].map(str).nunique() > 1]
    same = {key: table[key].iat[0] for key in comparison.settings if key not in settings}
    runs = comparison.runs[comparison.runs["group"].isin(list(number))]
    return replace(
        comparison,
        settings=settings,
        constants=comparison.constants | {key: value for key, value in same.items() if value is not None},
        groups=table,
        estimates=comparison.estimates.loc[list(groups)].rename(index=number, level="group"),
        runs=runs.assign(group=runs["group"].map(number)),
        members=[comparison.members[group] for group in groups],
        verdicts=[comparison.verdicts[group] for group in groups] if comparison.verdicts else [],
    )


def telling(comparison: Comparison) -> list[str]:
    """Settings that tell the groups apart as well as all of them do, without those that the others imply.

    Runs on two data sets, say, differ in a dozen keys that say the same. The first ones stay, and the architecture.
    """
    table = comparison.groups.map(str)

    def told(keys: Sequence[str]) -> int:
        return len(set(table[list(keys)].itertuples(index=False, name=None)))

    keys = list(comparison.settings)
    for key in reversed(comparison.settings):
        fewer = [other for other in keys if other != key]
        if key != "architecture" and fewer and told(fewer) == told(keys):
            keys = fewer
    return keys


def sound(comparison: Comparison, tables: Sequence[str]) -> tuple[Comparison, list[str]]:
    """The same groups, some without the members of which one of these tables cannot be read; a line for each of those.

    Raises ResultsError if no member is left at all.
    """
    notes = {id(run): unreadable(run, tables) for members in comparison.members for run in members}
    told = [note for note in notes.values() if note]
    if told and len(told) == len(notes):
        more = f" ({len(told)} runs like this, and no other)" if len(told) > 1 else ""
        raise ResultsError(f"{told[0]}{more}")
    return replace(comparison, members=[[r for r in runs if not notes[id(r)]] for runs in comparison.members]), told
