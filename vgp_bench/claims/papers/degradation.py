"""degradation: errors and training losses of plain and residual CNNs by depth, and whether their gradients vanish."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.learning import loss_curve
from vgp_bench.claims.error_rates import error_or_loss, with_divergences
from vgp_bench.claims.evidence import Evidence, summary_figure

HEALTH = {
    " at start": summary_figure("initial_gradient_ratio"),
    " in training": summary_figure("final_gradient_ratio"),
    " per layer": summary_figure("initial_decay_per_layer"),
}


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        health = next((suffix for suffix in HEALTH if name.endswith(suffix)), "")
        arm = name.removesuffix(health)
        if health:
            found.append(with_divergences(judged(expected, evidence.each(HEALTH[health], arm)), evidence, [arm]))
        else:
            found.append(error_or_loss(evidence, expected))
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    lines = [loss_curve(arm, evidence.cells(arm)) for arm in evidence.scale.arms]
    return curves("Plain and residual networks in training", "passes over the data", "training loss", lines)
