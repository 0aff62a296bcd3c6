"""How groups of runs look in figures: one key a channel, colours that colour-blind readers can tell apart."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from vgp_bench.compare import Comparison
from vgp_bench.errors import UserError
from vgp_bench.records.settings import natural_key

# Okabe and Ito 2008 (Color universal design), the darkest first; their yellow is too pale for a line on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = ("o", "s", "^", "D", "x", "P", "v", "*")

TEXT: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}
"""Sizes for a figure of FULL_WIDTH printed as it is."""

GREY = "0.35"
ZERO: Any = 7
NONFINITE: Any = 6
"""Matplotlib's carets: down and up, for values beyond the lower and the upper edge."""

FULL_WIDTH = 6.7
"""Width of a text column on A4 and letter paper, in inches."""

MOST_JOINED = 16
"""More lines than this that differ in more keys than there are channels can be drawn, but not told apart."""


class Look(NamedTuple):
    """What one line looks like."""

    colour: str = COLOURS[0]
    line: Any = LINES[0]
    marker: str = MARKERS[0]


class Channel(NamedTuple):
    """What one visual property stands for: the key, and the look of each of its values in natural order."""

    key: str
    looks: dict[str, Look]


def looks(comparison: Comparison, facet: str | None) -> tuple[list[Look], list[Channel]]:
    """The look of each group, and the channels that explain it.

    The settings other than the facet take colour, line style and marker in this order. Keys that find no
    channel, or have too many values for theirs, are joined with the first key so that no two groups of a facet
    look the same (as long as there are no more than colours times line styles of them).
    """
    groups = comparison.groups
    # The depth can be read off the x axis, so it comes last. The architecture comes before it: where it has no panels,
    # the others shall keep the looks that they have in figures where it has.
    keys = [key for key in comparison.settings if key != facet]
    keys.sort(key=lambda key: (key == "architecture.depth", key == "architecture"))
    capacities = [len(COLOURS), len(LINES), len(MARKERS)]
    sizes = {key: groups[key].map(str).nunique() for key in keys}
    own = keys[:3]
    if len(keys) > 3 or any(sizes[key] > room for key, room in zip(own, capacities, strict=False)):
        return _joined(comparison, keys)
    channels = []
    chosen = [Look() for _ in groups.index]
    for position, key in enumerate(own):
        values = sorted(groups[key].unique(), key=natural_key)
        variants = {str(value): _vary(Look(), position, i) for i, value in enumerate(values)}
        channels.append(Channel(key, variants))
        chosen = [_vary(look, position, values.index(value)) for look, value in zip(chosen, groups[key], strict=True)]
    return chosen, channels


def _joined(comparison: Comparison, keys: Sequence[str]) -> tuple[list[Look], list[Channel]]:
    def name(key: str, value: Any) -> str:
        return f"{short(key)} {_text(value)}" if len(keys) > 1 else _text(value)

    labels = [", ".join(name(key, row[key]) for key in keys) for _, row in comparison.groups.iterrows()]
    if len(set(labels)) > MOST_JOINED:
        raise UserError(
            f"{len(set(labels))} settings differ in {len(keys)} keys ({', '.join(map(short, keys))}): too many for one "
            "figure; name folders of runs that differ in less"
        )
    variants = {}
    for i, label in enumerate(dict.fromkeys(labels)):
        look = _vary(Look(), 0, i % len(COLOURS))
        variants[label] = _vary(look, 1, i // len(COLOURS) % len(LINES))
    return [variants[label] for label in labels], [Channel(", ".join(map(short, keys)), variants)]


def _vary(look: Look, position: int, i: int) -> Look:
    if position == 0:
        return look._replace(colour=COLOURS[i % len(COLOURS)])
    if position == 1:
        return look._replace(line=LINES[i % len(LINES)])
    return look._replace(marker=MARKERS[i % len(MARKERS)])


def dashes(line: Any) -> list[float]:
    """A line style of matplotlib as lengths of dash and gap in widths of the line; empty for a solid one."""
    return [] if line == "-" else [float(length) for length in line[1]]


def words(comparison: Comparison, group: int, without: str | None = None) -> str:
    """What tells a group from the others, in short words, but for one key: `depth=20, activation=relu`."""
    row = comparison.groups.loc[group]
    told = [f"{short(key)}={row[key]}" for key in comparison.settings if key != without and row[key] is not None]
    return ", ".join(told) or "all"


@contextmanager
def drawing() -> Iterator[None]:
    """The sizes and fonts of TEXT for what is drawn inside."""
    import matplotlib

    with matplotlib.rc_context(TEXT):
        yield


def short(key: str) -> str:
    """`architecture.depth` -> `depth`."""
    return key.rpartition(".")[2]


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
