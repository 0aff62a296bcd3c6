"""Two runs side by side: what differs in their configs and environments, and where their curves part."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgp_bench.compare.notes import ENVIRONMENT
from vgp_bench.records.identity import flatten, settled
from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import hidden_gradient, logged_steps

LOSS_TOLERANCE, ACCURACY_TOLERANCE, GRADIENT_TOLERANCE = 0.01, 0.01, 0.10
"""Differences worth a word: of the loss and of a gradient norm relative to the larger one, of an accuracy absolute."""

Pairs = dict[str, tuple[Any, Any]]
Columns = Mapping[str, NDArray[Any]]
ABSENT = "-"


@dataclass(frozen=True)
class Parting:
    """where: the first place at which curves differ, None if nowhere; values: of both there; compared: places."""

    where: str | None
    values: tuple[float, float] | None
    compared: int


@dataclass(frozen=True)
class Difference:
    """config, environment: what differs, key -> both values; summary: figure -> both values, where one was measured.

    states: how both ended; partings: what was compared -> where it parts; notes: what could not be compared.
    """

    config: Pairs
    environment: Pairs
    states: tuple[str, str]
    summary: Pairs
    partings: dict[str, Parting]
    notes: list[str]


def difference(a: RunRecord, b: RunRecord) -> Difference:
    """What differs between two runs. Raises ResultsError if a table is damaged."""
    notes: list[str] = []
    steps = a.columns("steps"), b.columns("steps")
    epochs = a.columns("epochs"), b.columns("epochs")
    partings = {
        "training loss, exactly": _part(steps, "step", "loss", "step", lambda x, y: ~_equal(x, y)),
        f"training loss, by more than {LOSS_TOLERANCE:.0%}": _part(
            steps, "step", "loss", "step", lambda x, y: ~_close(x, y, LOSS_TOLERANCE)
        ),
        f"validation accuracy, by more than {100 * ACCURACY_TOLERANCE:g} point": _part(
            epochs, "epoch", "validation_accuracy", "pass", lambda x, y: np.abs(x - y) > ACCURACY_TOLERANCE + 1e-9
        ),
        f"||dL/dh||, by more than {GRADIENT_TOLERANCE:.0%}": _gradients(a, b, notes),
    }
    return Difference(
        _differing(settled(a.config), settled(b.config)),
        _differing(*({name: read(run.environment) for name, read in ENVIRONMENT.items()} for run in (a, b))),
        (a.state, b.state),
        _summaries(a, b),
        partings,
        notes,
    )


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> Pairs:
    keys = dict.fromkeys([*a, *b])
    pairs = {key: (a.get(key, ABSENT), b.get(key, ABSENT)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _summaries(a: RunRecord, b: RunRecord) -> Pairs:
    first, second = (flatten(asdict(run.summary)) if run.summary else {} for run in (a, b))
    pairs = {key: (first.get(key, np.nan), second.get(key, np.nan)) for key in dict.fromkeys([*first, *second])}
    return {key: pair for key, pair in pairs.items() if not (np.isnan(pair[0]) and np.isnan(pair[1]))}


def _part(tables: tuple[Columns, Columns], key: str, column: str, word: str, differs: Any) -> Parting:
    """The first place, of those both tables have, at which the column differs."""
    a, b = tables
    places, first, second = np.intersect1d(a[key], b[key], return_indices=True)
    x, y = np.asarray(a[column], dtype=float)[first], np.asarray(b[column], dtype=float)[second]
    at = np.flatnonzero(differs(x, y))
    if not len(at):
        return Parting(None, None, len(places))
    return Parting(f"{word} {places[at[0]]}", (float(x[at[0]]), float(y[at[0]])), len(places))


def _gradients(a: RunRecord, b: RunRecord, notes: list[str]) -> Parting:
    """By stages counted from the input, where both have equally many; of networks of other depth, by the two ends."""
    layers = a.columns("layers"), b.columns("layers")
    steps = sorted(set(logged_steps(layers[0])) & set(logged_steps(layers[1])))
    compared = 0
    for step in steps:
        (depth, x), (other, y) = (hidden_gradient(table, step) for table in layers)
        names = [f"stage {i} (depth {d:g})" for i, d in enumerate(depth)]
        if len(x) != len(y):
            if not compared:
                notes.append(
                    f"the networks have {len(x)} and {len(y)} hidden stages: of the gradients only the first and the "
                    "last stage are compared"
                )
            x, y, names = x[[0, -1]], y[[0, -1]], ["the first stage", "the last stage"]
        elif not compared and not np.array_equal(depth, other):
            notes.append("stages are compared by their number; they lie at other depths in the two networks")
        compared += len(x)
        at = np.flatnonzero(~_close(x, y, GRADIENT_TOLERANCE))
        if len(at):
            return Parting(f"step {step}, {names[at[0]]}", (float(x[at[0]]), float(y[at[0]])), compared)
    return Parting(None, None, compared)


def _equal(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = (x == y) | (np.isnan(x) & np.isnan(y))
    return equal


def _close(x: NDArray[Any], y: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # inf - inf; equal infinities are equal all the same
        close: NDArray[np.bool_] = np.abs(x - y) <= tolerance * np.maximum(np.abs(x), np.abs(y))
    near: NDArray[np.bool_] = (close & np.isfinite(x) & np.isfinite(y)) | _equal(x, y)
    return near
