"""The rules of thumb for networks that will not train, each measured on this one, beside what is commonly said.

Sources disagree on the limits (are skips needed beyond 10, 20 or 30 layers?), so none of them is taken for granted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from vgp_bench.diagnosis import thresholds
from vgp_bench.probe import limits
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.profile import gradient_of_first, greatest, least, reaches, span, through_time

Mark = Literal["ok", "look", "no"]


@dataclass(frozen=True)
class Item:
    """name: what was looked at; measured: the figure in words; said: the common limit and who says so."""

    name: str
    mark: Mark
    measured: str
    said: str


def checklist(found: Measured) -> list[Item]:
    """The items that apply to this network, input to output, then the training."""
    return [item for check in _CHECKS if (item := check(found)) is not None]


def _inputs(found: Measured) -> Item:
    mean, std = found.start.input_mean, found.start.input_std
    low, high = limits.INPUT_STD
    near = low <= std <= high and abs(mean) <= max(1.0, 3 * std)
    said = "mean 0, deviation 1 (LeCun 1998)"
    return Item("input scale", "ok" if near else "look", f"mean {mean:.2g}, deviation {std:.2g}", said)


def _loss(found: Measured) -> Item | None:
    chance = found.start.chance.loss
    if not chance > 0:
        return None
    ratio = found.start.look.loss / chance
    mark = _mark(ratio <= limits.LOSS_AT_START[0], ratio <= limits.LOSS_AT_START[1])
    return Item("loss at the start", mark, f"{ratio:.3g} x chance ({chance:.3g})", "about chance; ln(classes)")


def _forward(found: Measured) -> Item | None:
    hidden = [row.activation_std for row in found.start.look.layers if row.kind == "hidden"]
    if len(hidden) < 2 or not hidden[0] > 0:
        return None
    ratio = hidden[-1] / hidden[0]
    low, high = limits.FORWARD
    mark = _mark(low <= ratio <= high, low**3 <= ratio <= high**3)
    return Item("forward signal", mark, f"deviation last/first layer {ratio:.2g}", "within .1 ... 10 (SageMaker)")


def _collapse(found: Measured) -> Item:
    share = least([row.input_share for row in found.start.look.probes if row.kind == "hidden"])
    mark = _mark(share >= thresholds.AWAKE, share >= thresholds.INPUT_SHARE)
    return Item("inputs kept apart", mark, f"least share of h from the input {share:.1e}", "healthy 1e-2 and more")


def _slopes(found: Measured) -> Item | None:
    slope = least([row.slope_mean for row in found.start.look.probes])
    if math.isnan(slope):
        return None
    flat = greatest([row.saturated_units for row in found.start.look.probes])
    words = f"least mean slope {slope:.2g} of max" + (f", {flat:.0%} flat units" if not math.isnan(flat) else "")
    # A flat ReLU is silent, which is no fault; NaN: nothing in the network flattens at both ends.
    mark = _mark(slope >= thresholds.FLAT_SLOPE, math.isnan(flat))
    return Item("slopes", mark, words, "above .15; not sigmoid when deep")


def _depth(found: Measured) -> Item | None:
    reach = reaches(found.start.look)
    if len(reach) < 2 or math.isnan(reach[0]):
        return None
    fall = span(found.start.look)
    reaching = thresholds.REACH <= reach[0] <= thresholds.GREAT_REACH
    mark = _mark(reaching and not abs(fall) > thresholds.SPAN, reaching)
    lost = "" if math.isnan(fall) else "lost all of it, " if math.isinf(fall) else f"lost {fall:+.1f} decades, "
    words = f"{lost}reach of first {reach[0]:.1e}"
    return Item(f"depth {found.start.look.probes[-1].depth}", mark, words, "skips beyond 10, 20, 30: disputed")


def _dead(found: Measured) -> Item | None:
    dead = greatest([row.dead_fraction for row in found.start.look.layers])
    if math.isnan(dead):
        return None
    mark = _mark(dead < thresholds.DEAD_AWAKE, dead < thresholds.DEAD)
    zeros = greatest([row.zero_fraction for row in found.start.look.layers])
    words = f"at most {dead:.0%} a layer" + ("" if math.isnan(zeros) else f" ({zeros:.0%} zeros)")
    return Item("dead units", mark, words, "zeros > 50 %: no sign of it")


def _symmetry(found: Measured) -> Item | None:
    # A branch that begins at 0 is healthy and leaves it; whether it did shows after the trial.
    look = found.after_trial or found.start.look
    spread = least([max(row.weight_spread, row.unit_spread) for row in look.probes if row.kind == "hidden"])
    if math.isnan(spread):
        return None
    mark = _mark(spread >= thresholds.SPREAD, False)
    return Item("units differ", mark, f"least spread over units {spread:.1e}", "constant or zero weights: 0")


def _batch(found: Measured) -> Item | None:
    noise = found.start.batch_noise
    if math.isnan(noise):
        return None
    mark = _mark(noise <= limits.BATCH_NOISE[0], noise <= limits.BATCH_NOISE[1])
    words = f"batch mates move logits {noise:.2g} x inputs"
    return Item(f"batch norm, {found.start.batch} inputs", mark, words, "not below 8 (Wu & He 2018: <= 4)")


def _time(found: Measured) -> Item | None:
    lags, gradients, decay = through_time(found.start.look)
    if len(gradients) < 3 or not gradients[0] > 0:
        return None
    ratio = gradients[-1] / gradients[0]
    mark = _mark(thresholds.TIME_RATIO <= ratio <= thresholds.GREAT_TIME_RATIO, ratio > 0)
    words = f"gradient first/last step {ratio:.1e}, x {decay.rho:.2g} a step"
    return Item(f"{len(lags)} time steps", mark, words, "no plain RNN beyond 100 steps")


def _update(found: Measured) -> Item | None:
    ratios = [row.update_ratio for row in found.trial.steps.layers if not math.isnan(row.update_ratio)]
    if not ratios:
        return None
    middle, low, high = sorted(ratios)[len(ratios) // 2], min(ratios), max(ratios)
    mark = _mark(
        limits.UPDATE[0] <= middle <= limits.UPDATE[1] and low >= limits.LEAST_UPDATE,
        high >= thresholds.SMALL_UPDATE and middle <= limits.GREAT_UPDATE,
    )
    return Item("learning rate", mark, f"first step / weights {middle:.0e} ({low:.0e} ... {high:.0e})", "about 1e-3")


def _clipping(found: Measured) -> Item | None:
    steps = found.trial.steps.steps
    clipped = [row.clipped for row in steps if not math.isnan(row.clipped)]
    norm = found.start.look.gradient_l2
    if not clipped:
        if norm <= limits.GREAT_GRADIENT:
            return None
        return Item("clipping", "look", f"none; ||dL/dtheta|| {norm:.1e}", "needed where it explodes (Pascanu 2013)")
    share = sum(clipped) / len(clipped)
    mark = _mark(share < 1, True)
    words = f"{share:.0%} of the first {len(clipped)} steps, norm {norm:.1e}"
    return Item("clipping", mark, words, "not at every step; ratios stay as they are")


def _gradient(found: Measured) -> Item | None:
    ratio = gradient_of_first(found.start.look)
    if math.isnan(ratio):
        return None
    mark = _mark(limits.GRADIENT_RATIO <= ratio <= 1 / limits.GRADIENT_RATIO, True)
    return Item("gradient", mark, f"||dL/dh|| first/last layer {ratio:.1e}", "drop by 3-4 decades: vanishing")


def _mark(fine: bool, bearable: bool) -> Mark:
    return "ok" if fine else "look" if bearable else "no"


_CHECKS: tuple[Callable[[Measured], Item | None], ...] = (
    *(_inputs, _loss, _forward, _collapse, _slopes, _dead, _symmetry),
    *(_depth, _gradient, _batch, _time),
    *(_update, _clipping),
)
