"""Items of the checklist on the signal as the network starts: by size, by depth, and through time."""

import math

from vgp_bench.diagnosis import thresholds
from vgp_bench.plural import plural
from vgp_bench.probe import limits
from vgp_bench.probe.item import Item, marked
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.profile import gradient_of_first, greatest, least, reaches, span
from vgp_bench.probe.through_time import ThroughTime, through_time


def inputs(found: Measured) -> Item:
    mean, std = found.start.input_mean, found.start.input_std
    low, high = limits.INPUT_STD
    near = low <= std <= high and abs(mean) <= max(1.0, 3 * std)
    said = "mean 0, standard deviation 1 (LeCun 1998)"
    return Item("input scale", "ok" if near else "look", f"mean {mean:.2g}, standard deviation {std:.2g}", said)


def loss(found: Measured) -> Item | None:
    chance = found.start.chance.loss
    if not chance > 0:
        return None
    ratio = found.start.look.loss / chance
    mark = marked(ratio <= limits.LOSS_AT_START[0], ratio <= limits.LOSS_AT_START[1])
    return Item(
        "loss at the start", mark, f"{ratio:.3g} x chance ({chance:.3g}: {found.start.chance.answer})", "about chance"
    )


def forward(found: Measured) -> Item | None:
    hidden = [row.activation_std for row in found.start.look.layers if row.kind == "hidden"]
    if len(hidden) < 2 or not hidden[0] > 0:
        return None
    ratio = hidden[-1] / hidden[0]
    low, high = limits.FORWARD
    mark = marked(low <= ratio <= high, low**3 <= ratio <= high**3)
    return Item("forward signal", mark, f"std of h, last/first layer: {ratio:.2g}", ".1 to 10; SageMaker: the variance")


def collapse(found: Measured) -> Item:
    share = least([row.input_share for row in found.start.look.probes if row.kind == "hidden"])
    mark = marked(share >= thresholds.AWAKE, share >= thresholds.INPUT_SHARE)
    return Item("inputs kept apart", mark, f"least share of h that depends on it: {share:.1e}", "healthy: .01 and more")


def slopes(found: Measured) -> Item | None:
    slope = least([row.slope_mean for row in found.start.look.probes])
    if math.isnan(slope):
        return None
    flat = greatest([row.saturated_units for row in found.start.look.probes])
    words = f"least mean slope of a layer {slope:.2g} of the greatest possible"
    words += f", {flat:.0%} of its units flat" if not math.isnan(flat) else ""
    # A flat ReLU is silent, which is no fault; NaN: nothing in the network flattens at both ends.
    mark = marked(slope >= thresholds.FLAT_SLOPE, math.isnan(flat))
    return Item("slopes", mark, words, "above .15; no sigmoid in deep nets")


def dead(found: Measured) -> Item | None:
    dead = greatest([row.dead_fraction for row in found.start.look.layers])
    if math.isnan(dead):
        return None
    mark = marked(dead < thresholds.DEAD_AWAKE, dead < thresholds.DEAD)
    zeros = greatest([row.zero_fraction for row in found.start.look.layers])
    words = f"at most {dead:.0%} of a layer" + ("" if math.isnan(zeros) else f"; {zeros:.0%} of its values are 0")
    return Item("dead units", mark, words, "many zeros alone are no sign of it")


def symmetry(found: Measured) -> Item | None:
    # A branch that begins at 0 is healthy and leaves it; whether it did shows after the trial.
    look = found.after_trial or found.start.look
    spread = least([max(row.weight_spread, row.unit_spread) for row in look.probes if row.kind == "hidden"])
    if math.isnan(spread):
        return None
    mark = marked(spread >= thresholds.SPREAD, False)
    return Item("units differ", mark, f"least spread over the units of a layer {spread:.1e}", "equal weights: 0")


def depth(found: Measured) -> Item | None:
    reach = reaches(found.start.look)
    if len(reach) < 2 or math.isnan(reach[0]):
        return None
    fall = span(found.start.look)
    reaching = thresholds.REACH <= reach[0] <= thresholds.GREAT_REACH
    mark = marked(reaching and not abs(fall) > thresholds.SPAN, reaching)
    words = f"{_fallen(fall)}reach of the first {reach[0]:.1e}"
    return Item(f"depth {found.start.look.probes[-1].depth}", mark, words, "skips beyond 10, 20 or 30: disputed")


def _fallen(decades: float) -> str:
    if math.isnan(decades):
        return ""
    if math.isinf(decades):
        return "reach falls to 0 downwards, "
    return f"reach {'falls' if decades >= 0 else 'grows'} {abs(decades):.1f} decades downwards, "


def gradient(found: Measured) -> Item | None:
    ratio = gradient_of_first(found.start.look)
    if math.isnan(ratio):
        return None
    mark = marked(limits.GRADIENT_RATIO <= ratio <= 1 / limits.GRADIENT_RATIO, True)
    return Item("gradient", mark, f"||dL/dh||, first/last layer: {ratio:.1e}", "within 1e-3 to 1e3")


def time(found: Measured) -> Item | None:
    start = through_time(found.start.look)
    if start is None:
        return None
    words = f"gradient {_farthest(start)}"
    if not math.isnan(start.decay.rho):
        words += f", x {start.decay.rho:.2g} a step"
    mark = marked(start.reaches_back, start.farthest > 0)
    later = through_time(found.after_trial) if found.after_trial is not None else None
    if later is not None:  # the first steps may break what the initializer made
        words += f"; after {plural(len(found.trial.steps.steps), 'step')} {later.farthest:.1e}"
        mark = mark if later.reaches_back or mark == "no" else "look"
    return Item(plural(start.length, "time step"), mark, words, "no plain RNN beyond 100 steps")


def _farthest(seen: ThroughTime) -> str:
    words = f"{'middle/ends' if seen.both_ways else 'first/last step'} {seen.farthest:.1e}"
    grown = seen.largest > max(thresholds.GREAT_TIME_RATIO, seen.farthest)
    return f"{words} (at most {seen.largest:.1e} between)" if grown else words
