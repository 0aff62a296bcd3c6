"""Figure: the gradient norm along depth, the picture of the vanishing gradient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vgp_bench.compare import Comparison, compare
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.files import writing
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Step, logged_steps
from vgp_bench.report.depth_profile import Profile, depth_profile
from vgp_bench.report.style import FULL_WIDTH, TEXT, Channel, Look, looks, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
FACET = "architecture"

GREY = "0.35"
ZERO: Any = 7
NONFINITE: Any = 6
"""Matplotlib's carets: down and up, for values beyond the lower and the upper edge."""

X_LABEL = "depth (weight layers from the input; output on the right)"
Y_LABEL = r"$\Vert\partial L/\partial h_l\Vert_2$ relative to the last hidden stage"


def gradient_by_depth(runs: Comparison | Sequence[RunRecord], path: str | Path, step: Step = "first") -> Path:
    """Writes the figure to a .png, .svg or .pdf file and returns its path.

    step: a logged step, or "first" (the network as initialized) or "last". Raises UserError for another suffix,
    ResultsError if no run logged the step or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"cannot draw {path.name}: give a file name that ends in {', '.join(SUFFIXES)}")
    figure = draw_gradient_by_depth(runs, step)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        import matplotlib

        with matplotlib.rc_context(TEXT):
            figure.savefig(path, dpi=200)
    return path


def draw_gradient_by_depth(runs: Comparison | Sequence[RunRecord], step: Step = "first") -> Figure:
    """The figure: a line a group, the median over seeds, in a band from the least to the greatest seed.

    Groups that differ in architecture get a panel for each architecture. Exact zeros, which a logarithmic axis
    cannot show, are marked on its lower edge; non-finite gradients on the upper edge.
    """
    import matplotlib
    from matplotlib.figure import Figure

    comparison = runs if isinstance(runs, Comparison) else compare(runs)
    profiles = [depth_profile(members, step) for members in comparison.members]
    drawn = [profile for profile in profiles if profile is not None]
    if not drawn:
        raise ResultsError(_nothing_to_draw(comparison, step))

    facet = FACET if FACET in comparison.settings else None
    panels = list(dict.fromkeys(comparison.groups[facet])) if facet else [None]
    chosen, channels = looks(comparison, facet)
    # Markers would hide the dashes of a line; without dashes they show where the stages are.
    marked = len(channels) != 2
    with matplotlib.rc_context(TEXT):
        columns = 1 if len(panels) == 1 else 2 if len(panels) in (2, 4) else 3
        rows = -(-len(panels) // columns)
        figure = Figure(figsize=(FULL_WIDTH, 0.9 + (3.0 if rows == 1 else 2.0 * rows)), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        axes = list(grid.flat)
        for unused in axes[len(panels) :]:
            unused.remove()
        for panel, ax in zip(panels, axes, strict=False):
            members = [i for i in comparison.groups.index if facet is None or comparison.groups[facet][i] == panel]
            for i in members:
                profile = profiles[i]
                if profile is not None:
                    _draw(ax, profile, chosen[i], comparison.name(i), marked)
                else:
                    _tell_missing(ax, comparison, i, facet)
            ax.set_title("" if panel is None else str(panel), loc="left", fontweight="bold")
        _set_axes(axes[: len(panels)], columns, drawn)
        figure.supxlabel(X_LABEL, fontsize=TEXT["axes.labelsize"])
        figure.supylabel(Y_LABEL, fontsize=TEXT["axes.labelsize"])
        _explain(figure, _title(drawn, step), channels, drawn)
    return figure


def _draw(ax: Axes, profile: Profile, look: Look, name: str, marked: bool) -> None:
    x = profile.depth
    shown = np.where(profile.middle > 0, profile.middle, np.nan)
    if np.isfinite(shown).any():  # matplotlib cannot space markers along a line without points
        ax.plot(
            x,
            shown,
            color=look.colour,
            linestyle=look.line,
            linewidth=1.4,
            marker=look.marker if marked or len(x) == 1 else "none",
            markersize=3.5,
            markevery=0.06,  # in parts of the diagonal: a marker at each of 100 stages would hide the line
            label=name,
            gid="profile",
        )
    if profile.seeds > 1:
        ax.fill_between(x, profile.low, profile.high, color=look.colour, alpha=0.18, linewidth=0)
    edge: dict[str, Any] = {
        "transform": ax.get_xaxis_transform(),  # x in layers, y in parts of the height
        "linestyle": "none",
        "color": look.colour,
        "markersize": 5,
        "clip_on": False,
        "zorder": 5,
    }
    if profile.zero.any():
        ax.plot(x[profile.zero], np.full(profile.zero.sum(), 0.015), marker=ZERO, gid="zero", **edge)
    if profile.broken.any():
        ax.plot(x[profile.broken], np.full(profile.broken.sum(), 0.985), marker=NONFINITE, gid="nonfinite", **edge)


def _tell_missing(ax: Axes, comparison: Comparison, group: int, facet: str | None) -> None:
    words = [f"{short(key)}={comparison.groups[key][group]}" for key in comparison.settings if key != facet]
    missing = [text for text in ax.texts if text.get_gid() == "missing"]
    place = 0.04 + 0.09 * len(missing)
    text = f"not measured: {', '.join(words) or 'all'}"
    ax.text(0.03, place, text, transform=ax.transAxes, fontsize=7, color=GREY, gid="missing")


def _set_axes(axes: Sequence[Axes], columns: int, profiles: Sequence[Profile]) -> None:
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

    values = np.concatenate([np.concatenate([p.low, p.high, p.middle]) for p in profiles])
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min(), values.max()) if len(values) else (1.0, 1.0)
    # At least a decade on either side of 1 in sight, so that a healthy gradient looks as flat as it is.
    low, high = min(low, 0.1), max(high, 10.0)
    margin = (high / low) ** 0.05
    deepest = max(p.depth[-1] for p in profiles)
    for number, ax in enumerate(axes):
        ax.set_yscale("log")
        ax.set_ylim(low / margin, high * margin)
        ax.set_xlim(1 - 0.02 * deepest, deepest * 1.02)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.yaxis.set_major_locator(LogLocator(numticks=7))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.grid(True, color="0.92", linewidth=0.6)
        ax.axhline(1.0, color="0.6", linewidth=0.8, zorder=1)
        # A panel with no panel below it carries the numbers, also where the last row is not full.
        ax.tick_params(labelbottom=number + columns >= len(axes), labelleft=number % columns == 0)


def _explain(figure: Figure, title: str, channels: Sequence[Channel], profiles: Sequence[Profile]) -> None:
    """The title, and under it a legend of what differs; only what is in the picture is explained."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for position, channel in enumerate(channels):
        for value, look in channel.looks.items():
            label = value if "," in channel.key else f"{short(channel.key)} {value}"
            # What a channel does not stand for is grey and plain: nobody shall read a colour into a dash.
            colour = look.colour if position == 0 else GREY
            marker = look.marker if position == 2 else "none"
            line: Any = "none" if position == 2 else look.line
            handles.append(Line2D([], [], color=colour, linestyle=line, marker=marker, label=label))
    for marker, label, present in (
        (ZERO, "exactly 0", any(profile.zero.any() for profile in profiles)),
        (NONFINITE, "not finite", any(profile.broken.any() for profile in profiles)),
    ):
        if present:
            handles.append(Line2D([], [], color=GREY, linestyle="none", marker=marker, label=label))
    if not handles:
        figure.suptitle(title, fontsize=TEXT["axes.titlesize"], x=0.01, ha="left")
        return
    widest = max(len(handle.get_label()) for handle in handles)
    columns = max(1, min(len(handles), 100 // (widest + 8)))  # about 100 characters fit FULL_WIDTH
    legend = figure.legend(
        handles=handles, loc="outside upper left", ncols=columns, frameon=False, title=title, alignment="left"
    )
    legend.get_title().set_fontsize(TEXT["axes.titlesize"])


def _title(profiles: Sequence[Profile], step: Step) -> str:
    steps = sorted({s for profile in profiles for s in profile.steps})
    if steps == [0]:
        where = "at initialization"
    elif len(steps) == 1:
        where = f"at step {steps[0]}"
    else:
        where = f"at the {step} logged step ({steps[0]} to {steps[-1]})"
    seeds = sorted({profile.seeds for profile in profiles})
    if seeds == [1]:
        return f"Gradient {where}, one seed"
    many = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return f"Gradient {where}, median and range of {many} seeds"


def _nothing_to_draw(comparison: Comparison, step: Step) -> str:
    logged = sorted(
        {s for members in comparison.members for run in members for s in logged_steps(run.columns("layers"))}
    )
    if not logged:
        return "no gradient was measured in these runs; run them with the monitor on"
    few = ", ".join(map(str, logged[:8])) + (", ..." if len(logged) > 8 else "")
    return f"step {step} was not logged; choose first, last or one of {few}"
