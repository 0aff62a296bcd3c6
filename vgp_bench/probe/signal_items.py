"""Items of the checklist on the signal as the network starts: by size, by depth, and through time."""

import math

from vgp_bench.diagnosis import thresholds
from vgp_bench.plural import plural
from vgp_bench.probe import limits
from vgp_bench.probe.item import Item, marked
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.profile import gradient_of_first, greatest, least, reaches, span, through_time


def inputs(found: Measured) -> Item:
    mean, std = found.start.input_mean, found.start.input_std
    low, high = limits.INPUT_STD
    near = low <= std <= high and abs(mean) <= max(1.0, 3 * std)
    said = "mean 0, deviation 1 (LeCun 1998)"
    return Item("input scale", "ok" if near else "look", f"mean {mean:.2g}, deviation {std:.2g}", said)


def loss(found: Measured) -> Item | None:
    chance = found.start.chance.loss
    if not chance > 0:
        return None
    ratio = found.start.look.loss / chance
    mark = marked(ratio <= limits.LOSS_AT_START[0], ratio <= limits.LOSS_AT_START[1])
    return Item("loss at the start", mark, f"{ratio:.3g} x chance ({chance:.3g})", "about chance; ln(classes)")


def forward(found: Measured) -> Item | None:
    hidden = [row.activation_std for row in found.start.look.layers if row.kind == "hidden"]
    if len(hidden) < 2 or not hidden[0] > 0:
        return None
    ratio = hidden[-1] / hidden[0]
    low, high = limits.FORWARD
    mark = marked(low <= ratio <= high, low**3 <= ratio <= high**3)
    return Item("forward signal", mark, f"deviation last/first layer {ratio:.2g}", "within .1 ... 10 (SageMaker)")


def collapse(found: Measured) -> Item:
    share = least([row.input_share for row in found.start.look.probes if row.kind == "hidden"])
    mark = marked(share >= thresholds.AWAKE, share >= thresholds.INPUT_SHARE)
    return Item("inputs kept apart", mark, f"least share of h from the input {share:.1e}", "healthy 1e-2 and more")


def slopes(found: Measured) -> Item | None:
    slope = least([row.slope_mean for row in found.start.look.probes])
    if math.isnan(slope):
        return None
    flat = greatest([row.saturated_units for row in found.start.look.probes])
    words = f"least mean slope {slope:.2g} of max" + (f", {flat:.0%} flat units" if not math.isnan(flat) else "")
    # A flat ReLU is silent, which is no fault; NaN: nothing in the network flattens at both ends.
    mark = marked(slope >= thresholds.FLAT_SLOPE, math.isnan(flat))
    return Item("slopes", mark, words, "above .15; not sigmoid when deep")


def dead(found: Measured) -> Item | None:
    dead = greatest([row.dead_fraction for row in found.start.look.layers])
    if math.isnan(dead):
        return None
    mark = marked(dead < thresholds.DEAD_AWAKE, dead < thresholds.DEAD)
    zeros = greatest([row.zero_fraction for row in found.start.look.layers])
    words = f"at most {dead:.0%} a layer" + ("" if math.isnan(zeros) else f" ({zeros:.0%} zeros)")
    return Item("dead units", mark, words, "many zeros alone: no sign of it")


def symmetry(found: Measured) -> Item | None:
    # A branch that begins at 0 is healthy and leaves it; whether it did shows after the trial.
    look = found.after_trial or found.start.look
    spread = least([max(row.weight_spread, row.unit_spread) for row in look.probes if row.kind == "hidden"])
    if math.isnan(spread):
        return None
    mark = marked(spread >= thresholds.SPREAD, False)
    return Item("units differ", mark, f"least spread over units {spread:.1e}", "constant or zero weights: 0")


def depth(found: Measured) -> Item | None:
    reach = reaches(found.start.look)
    if len(reach) < 2 or math.isnan(reach[0]):
        return None
    fall = span(found.start.look)
    reaching = thresholds.REACH <= reach[0] <= thresholds.GREAT_REACH
    mark = marked(reaching and not abs(fall) > thresholds.SPAN, reaching)
    lost = "" if math.isnan(fall) else "lost all of it, " if math.isinf(fall) else f"lost {fall:+.1f} decades, "
    words = f"{lost}reach of first {reach[0]:.1e}"
    return Item(f"depth {found.start.look.probes[-1].depth}", mark, words, "skips beyond 10, 20, 30: disputed")


def gradient(found: Measured) -> Item | None:
    ratio = gradient_of_first(found.start.look)
    if math.isnan(ratio):
        return None
    mark = marked(limits.GRADIENT_RATIO <= ratio <= 1 / limits.GRADIENT_RATIO, True)
    return Item("gradient", mark, f"||dL/dh|| first/last layer {ratio:.1e}", "drop by 3-4 decades: vanishing")


def time(found: Measured) -> Item | None:
    lags, gradients, decay = through_time(found.start.look)
    if len(gradients) < 3 or not gradients[0] > 0:
        return None
    ratio = gradients[-1] / gradients[0]
    words = f"gradient first/last step {ratio:.1e}, x {decay.rho:.2g} a step"
    mark = marked(_reaches_back(ratio), ratio > 0)
    later = through_time(found.after_trial)[1] if found.after_trial is not None else []
    if later and later[0] > 0:  # the first steps may break what the initializer made
        after = later[-1] / later[0]
        words += f"; after {plural(len(found.trial.steps.steps), 'step')} {after:.1e}"
        mark = mark if _reaches_back(after) or mark == "no" else "look"
    return Item(f"{len(lags)} time steps", mark, words, "no plain RNN beyond 100 steps")


def _reaches_back(ratio: float) -> bool:
    return thresholds.TIME_RATIO <= ratio <= thresholds.GREAT_TIME_RATIO
