"""The signal flow of one run as a few lines for the terminal: where does the gradient go on its way to the input?"""

import math
from collections.abc import Sequence
from typing import Any

from vgp_bench.records.reading import RunRecord

ROWS = 12
"""More stages than this are thinned out; the first and the last are always shown."""
BAR = 30


def signal_flow(record: RunRecord) -> str:
    """||dL/dh_l||_2 of each stage at the first and at the last logged step, input first, with a bar on a log scale.

    The bar shows the first step, from the smallest to the largest gradient but over no less than three decades, so
    that a flat line looks flat. Empty if nothing was measured.
    """
    layers = record.columns("layers")
    if len(layers["step"]) == 0:
        return ""
    first, last = layers["step"].min(), layers["step"].max()
    at_first, at_last = ([i for i, step in enumerate(layers["step"]) if step == which] for which in (first, last))
    # A norm whose non-finite values were left out is no norm of dL/dh_l: it counts as infinite.
    norms = [
        math.inf if broken else float(norm)
        for norm, broken in zip(layers["activation_gradient_l2"], layers["nonfinite_activation_gradients"], strict=True)
    ]
    gradients = [norms[i] for i in at_first]
    lines = [f"{'layer':<24} {f'step {first}':>9} {f'step {last}':>9}   ||dL/dh||, step {first}, log scale"]
    shown = thinned(len(at_first), ROWS)
    for place, bar in zip(shown, bars([gradients[i] for i in shown]), strict=True):
        name = str(layers["name"][at_first[place]])
        lines.append(f"{name:<24} {number(gradients[place]):>9} {number(norms[at_last[place]]):>9}   {bar}")
    return "\n".join(lines)


def thinned(count: int, most: int) -> list[int]:
    """At most so many of 0 ... count-1, evenly spaced, first and last among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def bars(values: Sequence[float]) -> list[str]:
    """A bar for each value, long for large ones, on one log scale; '0' for an exact zero, '!' for one not finite."""
    positive = [v for v in values if math.isfinite(v) and v > 0]
    if not positive:
        return ["0" if v == 0 else "!" for v in values]
    top = math.log10(max(positive))
    bottom = min(math.log10(min(positive)), top - 3)
    return [
        "0"
        if v == 0
        else "!"
        if not math.isfinite(v)
        else "#" * (1 + round((math.log10(v) - bottom) / (top - bottom) * (BAR - 1)))
        for v in values
    ]


def number(value: Any) -> str:
    """Two digits, exponent always; '-' for what was not measured, 'inf' for what is not finite."""
    return "-" if math.isnan(float(value)) else f"{float(value):.1e}"
