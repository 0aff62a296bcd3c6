"""What is wrong with a drawn network, told without any of our rules: by whether it learns as the same network cured
does, and by what textbooks and other tools measure. All limits were set before the first set was drawn.

After its score two mistakes were mended: saturated units of recurrent networks, which only the probes count, were not
seen; and a loss that had been far above chance from the start passed for one that diverged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from diagnosis_set.cases import Labelled
from diagnosis_set.outcomes import LEARNT, way
from vgp_bench.records.reading import RunRecord

TWIN_LEARNS = 0.3
"""Way from chance that the cured network has to come for the drawn one to be compared with it."""
STUCK = 0.25
"""Share of the cured network's way below which a network does not learn; from there to LEARNT it is neither."""
LAST = 20
"""Steps whose median is the loss at the end."""
LOST = 2.0
"""Multiple of the loss of chance, and of the first one, beyond which a training has made things worse."""
VANISHED, EXPLODED = 1e-3, 70.0
"""||dL/dW|| of the first layer over that of the last (AUTOTRAINER, Zhang et al. 2021); and ||dL/dh_t|| of the first
time step over that of the last (Hochreiter 1991, Bengio et al. 1994)."""
ALIKE = 1e-3
"""Share of the last hidden signal that depends on the input; the ordered phase of Poole et al. 2016 has none."""
DEAD = 0.5
"""Share of a layer's ReLU units that are 0 for every input (Amazon SageMaker Debugger)."""
SATURATED = 0.5
"""Share of a layer's values, or units, where a sigmoid or tanh is flat (DeepDiagnosis, Wardat et al. 2022)."""
FLAT_AT_BOTH_ENDS = ("sigmoid", "tanh", "softsign")
SMALL_STEP = 1e-4
"""Update-to-weight ratio of the layer that moves most (TheDeepChecker, Ben Braiek & Khomh 2023: 1e-4 to 1e-1)."""


def label_drawn(
    pairs: Sequence[tuple[Labelled, Labelled]], records: Mapping[str, RunRecord]
) -> tuple[list[Labelled], dict[str, str]]:
    """The drawn networks with their labels, and those that have none, with the reason."""
    found, left_out = [], {}
    for drawn, cured in pairs:
        if drawn.name not in records or cured.name not in records:
            continue
        ways = way(records[drawn.name]), way(records[cured.name])
        if ways[1] < TWIN_LEARNS:
            left_out[drawn.name] = f"the same network cured does not learn either: {ways[1]:.2f} of the way"
        elif STUCK <= ways[0] / ways[1] < LEARNT:
            left_out[drawn.name] = f"neither learns nor does not: {ways[0] / ways[1]:.2f} of the cured network's way"
        else:
            found.append(_labelled(drawn, ways[0] / ways[1] >= LEARNT, tuple(_measured(records[drawn.name]))))
    return found, left_out


def _labelled(case: Labelled, learns: bool, measured: tuple[str, ...]) -> Labelled:
    if learns:
        return replace(case, kind="look-alike", like=measured[0]) if measured else case
    label, *others = measured or ("plateau",)
    return replace(case, kind="faulty", label=label, accepted=tuple(others))


def _measured(record: RunRecord) -> Iterator[str]:
    """Every verdict that a textbook's limit gives, once each; at the end, or where it was last finite."""
    lost = record.state == "diverged" or _has_grown(record)
    if lost:
        yield from ("diverged", "unstable")
    gradients = _last(record.columns("layers"), "weight_gradient_l2")
    first, last = gradients[[0, -1]] if len(gradients) else (np.nan, np.nan)
    ratios = [first / last if last else np.nan, _time_ratio(record)]
    if lost or any(ratio > EXPLODED for ratio in ratios):
        yield "exploding"
    moved = _largest_steps(record)
    if len(moved) and np.median(moved) < SMALL_STEP:
        yield "update too small"
    if (_last(record.columns("layers"), "dead_fraction") > DEAD).any():
        yield "dead units"
    flat = record.choices.get("activation") in FLAT_AT_BOTH_ENDS
    values = _last(record.columns("layers"), "saturated_fraction")
    units = _last(record.columns("probes"), "saturated_units")
    if flat and ((values > SATURATED).any() or (units > SATURATED).any()):
        yield "saturated"
    if any(ratio < VANISHED for ratio in ratios):
        yield "vanishing"
    probes = record.columns("probes")
    hidden = np.asarray(probes["kind"], dtype=object) == "hidden"
    shares = _last({name: np.asarray(values)[hidden] for name, values in probes.items()}, "input_share")
    if len(shares) and shares[-1] < ALIKE:
        yield "collapsed"


def _last(columns: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.floating]:
    """A column at the last step at which it is finite, stage by stage from the input."""
    steps, values = np.asarray(columns["step"]), np.asarray(columns[name], dtype=float)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(0)
    rows = finite & (steps == steps[finite].max())
    order = np.argsort(np.asarray(columns["stage"])[rows], kind="stable")
    found: NDArray[np.floating] = values[rows][order]
    return found


def _time_ratio(record: RunRecord) -> float:
    """||dL/dh_t||_2 of the first time step over that of the last, of the first layer; NaN without time."""
    times = record.columns("times")
    if not len(times["step"]):
        return np.nan
    layer = np.asarray(times["layer"], dtype=object)
    rows = (np.asarray(times["step"]) == np.max(times["step"])) & (layer == layer[0])
    time, gradient = np.asarray(times["time"])[rows], np.asarray(times["state_gradient_l2"], dtype=float)[rows]
    ends = [gradient[time == t].max() for t in (time.min(), time.max())]
    return float(ends[0] / ends[1]) if ends[1] else np.nan


def _largest_steps(record: RunRecord) -> NDArray[np.floating]:
    """||dW|| / ||W|| of the layer that moves most, step by step."""
    layers = record.columns("layers")
    ratios = np.asarray(layers["update_ratio"], dtype=float)
    finite = np.isfinite(ratios)
    steps = np.asarray(layers["step"])[finite]
    return np.array([ratios[finite][steps == step].max() for step in np.unique(steps)])


def _has_grown(record: RunRecord) -> bool:
    losses = np.asarray(record.columns("steps")["loss"], dtype=float)
    chance = record.summary.chance_loss if record.summary is not None else np.nan
    return bool(np.median(losses[-LAST:]) > LOST * max(chance, losses[0]))
