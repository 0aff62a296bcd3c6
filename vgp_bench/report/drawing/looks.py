"""Which setting takes which visual property: the same in every figure of the same runs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from vgp_bench.compare import Comparison
from vgp_bench.errors import UserError
from vgp_bench.records.settings import natural_key
from vgp_bench.report.drawing.style import COLOURS, LINES, MARKERS, Look, short
from vgp_bench.report.series.part import part, telling

ARCHITECTURE, DEPTH = "architecture", "architecture.depth"

COLOUR, LINE, MARKER = range(3)
"""Places of a Look."""

CAPACITY = (len(COLOURS), len(LINES), len(MARKERS))

MOST_JOINED = 16
"""More lines than this that differ in more keys than there are channels can be drawn, but not told apart."""

NONE = "-"
"""Of a key that a group does not have."""


class Channel(NamedTuple):
    """What one visual property stands for: its place in a Look, and the look of each value, in natural order.

    The first place with more values than colours takes the line style too.
    """

    place: int
    looks: dict[str, Look]


def has_markers(channels: Sequence[Channel]) -> bool:
    """Whether lines are told apart by their markers."""
    return any(channel.place == MARKER for channel in channels)


def has_dashes(channels: Sequence[Channel]) -> bool:
    """Whether lines are told apart by their dashes."""
    return any(look.line != LINES[0] for channel in channels for look in channel.looks.values())


def looks(
    comparison: Comparison, facet: str | None, shown: Sequence[int] | None = None
) -> tuple[list[Look], list[Channel]]:
    """The look of each group, and the channels that explain those of the groups that are shown (all, if not given).

    The settings other than the facet take colour, line style and marker in this order: depth late, as it can be read
    off an axis, and the architecture last, so that where it has no panels the others keep the looks that they have in
    figures where it has. Where there are too many keys, those that the others imply are not told (telling); if they
    still find no channel, they are joined, so that no two groups of a facet look the same. Raises
    UserError if there are too many for that; if fewer are shown, those are told apart by themselves.
    """
    every = list(comparison.groups.index)
    shown = every if shown is None else list(shown)
    try:
        plan = _plan(comparison, facet)
    except UserError:
        if len(shown) == len(every):
            raise
        found, channels = looks(part(comparison, shown), facet)
        chosen = [Look() for _ in every]
        for group, look in zip(shown, found, strict=True):
            chosen[group] = look
        return chosen, channels
    chosen = [Look() for _ in every]
    channels = []
    for keys, place in plan:
        labels = _labels(comparison, keys)
        variants = {label: _vary(Look(), place, i) for i, label in enumerate(_ordered(comparison, keys, labels))}
        numbers = {label: i for i, label in enumerate(variants)}
        chosen = [_vary(look, place, numbers[label]) for look, label in zip(chosen, labels, strict=True)]
        there = {labels[group] for group in shown}
        if there != {_nothing(keys)}:
            channels.append(Channel(place, {label: look for label, look in variants.items() if label in there}))
    # Only what differs; one group alone has to be named all the same.
    return chosen, [channel for channel in channels if len(channel.looks) > 1] or channels


def _plan(comparison: Comparison, facet: str | None) -> list[tuple[list[str], int]]:
    """The keys of each channel, and its place. The depth of a figure without it leaves the others where they are."""
    keys = [key for key in comparison.settings if key != ARCHITECTURE]
    keys.sort(key=lambda key: key == DEPTH)
    if _own_places(comparison, keys) is None:
        needed = telling(comparison)
        keys = [key for key in keys if key in needed]
    keys = [key for key in keys if key != facet]
    plan = _own_places(comparison, keys)
    if plan is None:
        plan = [(keys, COLOUR)]
        _check_joined(comparison, keys)
    if ARCHITECTURE not in comparison.settings or facet == ARCHITECTURE:
        return plan
    taken = {place for _, place in plan}
    if len(plan) == 1 and _size(comparison, plan[0][0]) > CAPACITY[COLOUR]:
        taken.add(LINE)  # by what overflows the colours
    for place in range(len(CAPACITY)):
        if place not in taken and _size(comparison, [ARCHITECTURE]) <= CAPACITY[place]:
            return [*plan, ([ARCHITECTURE], place)]
    if MARKER in taken and _size(comparison, [*plan[-1][0], ARCHITECTURE]) <= CAPACITY[MARKER]:
        return [*plan[:-1], ([*plan[-1][0], ARCHITECTURE], MARKER)]
    every = [ARCHITECTURE, *keys]
    _check_joined(comparison, every)
    return [(every, COLOUR)]


def _own_places(comparison: Comparison, keys: Sequence[str]) -> list[tuple[list[str], int]] | None:
    """A place for each key, in this order; None if they do not find room. The first one takes the colour."""
    plan: list[tuple[list[str], int]] = []
    place = COLOUR
    for key in keys:
        while place > COLOUR and place < len(CAPACITY) and _size(comparison, [key]) > CAPACITY[place]:
            place += 1
        if place == len(CAPACITY) or _size(comparison, [key]) > CAPACITY[place]:
            return None
        plan.append(([key], place))
        place += 1
    return plan


def _check_joined(comparison: Comparison, keys: Sequence[str]) -> None:
    if (count := _size(comparison, keys)) > MOST_JOINED:
        raise UserError(
            f"{count} settings differ in {len(keys)} keys ({', '.join(map(short, keys))}): too many for one "
            "figure; name folders of runs that differ in less"
        )


def _size(comparison: Comparison, keys: Sequence[str]) -> int:
    return len(set(_labels(comparison, keys)))


def _labels(comparison: Comparison, keys: Sequence[str]) -> list[str]:
    """The values of these keys in words, one text a group."""
    rows: list[dict[str, Any]] = comparison.groups[list(keys)].to_dict("records")  # type: ignore[assignment]
    return [
        ", ".join(f"{short(key)} {row[key]}" for key in keys if row[key] is not None) or _nothing(keys) for row in rows
    ]


def _nothing(keys: Sequence[str]) -> str:
    """The label of a group that has none of these keys."""
    return f"{short(keys[0])} {NONE}" if len(keys) == 1 else NONE


def _ordered(comparison: Comparison, keys: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Each label once, in the natural order of the values that it stands for; groups are in that order already."""
    if len(keys) > 1:
        return list(dict.fromkeys(labels))
    pairs = sorted(zip(comparison.groups[keys[0]], labels, strict=True), key=lambda pair: natural_key(pair[0]))
    return list(dict.fromkeys(label for _, label in pairs))


def _vary(look: Look, place: int, i: int) -> Look:
    if place == COLOUR:
        line = look.line if i < len(COLOURS) else LINES[i // len(COLOURS) % len(LINES)]
        return look._replace(colour=COLOURS[i % len(COLOURS)], line=line)
    if place == LINE:
        return look._replace(line=LINES[i % len(LINES)])
    return look._replace(marker=MARKERS[i % len(MARKERS)])
