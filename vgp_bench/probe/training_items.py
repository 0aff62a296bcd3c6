"""Items of the checklist on how the network is made and trained: weights, batches, steps, clipping."""

import math

from vgp_bench.diagnosis import thresholds
from vgp_bench.plural import plural
from vgp_bench.probe import limits
from vgp_bench.probe.item import Item, marked
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.signal_items import forward, loss, slopes


def weights(found: Measured) -> Item | None:
    known = sorted(scale for scale in found.start.weight_scales if not math.isnan(scale))
    if not known:
        return None
    low, high = limits.WEIGHT_SCALE
    fine = low <= known[len(known) // 2] and known[-1] <= high
    # A normalizer behind them makes any size harmless: what they do to the signal decides.
    harm = [item for check in (loss, forward, slopes) if (item := check(found)) is not None and item.mark == "no"]
    words = f"rms of W x sqrt(fan in) {known[0]:.2g} ... {known[-1]:.2g}"
    return Item("weight scale", marked(fine, not harm), words, "1 to 1.4 (LeCun, He); N(0, 1) has sqrt(fan in)")


def batch(found: Measured) -> Item | None:
    noise = found.start.batch_noise
    if math.isnan(noise):
        return None
    mark = marked(noise <= limits.BATCH_NOISE[0], noise <= limits.BATCH_NOISE[1])
    words = f"batch mates move an output {noise:.2g} times as much as its input does"
    return Item(f"batch norm, {plural(found.start.batch, 'input')}", mark, words, "fails at 4 and fewer (Wu & He 2018)")


def update(found: Measured) -> Item | None:
    ratios = [row.update_ratio for row in found.trial.steps.layers if not math.isnan(row.update_ratio)]
    if not ratios:
        return None
    middle, low, high = sorted(ratios)[len(ratios) // 2], min(ratios), max(ratios)
    mark = marked(
        limits.UPDATE[0] <= middle <= limits.UPDATE[1] and low >= limits.LEAST_UPDATE,
        high >= thresholds.SMALL_UPDATE and middle <= limits.GREAT_UPDATE,
    )
    return Item(
        "learning rate",
        mark,
        f"a layer's first step, by its weights: {middle:.0e} ({low:.0e} ... {high:.0e})",
        "about 1e-3",
    )


def clipping(found: Measured) -> Item | None:
    steps = found.trial.steps.steps
    clipped = [row.clipped for row in steps if not math.isnan(row.clipped)]
    norm = found.start.look.gradient_l2
    if not clipped:
        if norm <= limits.GREAT_GRADIENT:
            return None
        return Item("clipping", "look", f"none; ||dL/dtheta|| {norm:.1e}", "needed where it explodes (Pascanu 2013)")
    share = sum(clipped) / len(clipped)
    mark = marked(share < 1, True)
    words = f"{share:.0%} of the first {plural(len(clipped), 'step')}, norm {norm:.1e}"
    return Item("clipping", mark, words, "not at every step")
