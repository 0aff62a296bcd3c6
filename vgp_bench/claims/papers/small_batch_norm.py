"""small-batch-norm: what batch and group normalization lose with small batches."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.curves import curves
from vgp_bench.claims.drawing.levels import level_curve
from vgp_bench.claims.evidence import Evidence, learned
from vgp_bench.claims.tuned import difference

SIZES = (2, 4, 32)


def check(evidence: Evidence) -> list[Check]:
    small = SIZES[:-1]
    batch, group = ({size: _loss(evidence, arm, size) for size in small} for arm in ("batch", "group"))
    return [
        *(judged(evidence.expected(f"batch_loses_at_{size}"), batch[size]) for size in small),
        *(
            judged(evidence.expected(f"batch_loses_more_at_{size}"), difference(batch[size], group[size]))
            for size in small
        ),
        judged(evidence.expected("group_loses_at_2"), group[2]),
    ]


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    accuracy = {arm: {size: evidence.each(learned(), f"{arm}_{size}") for size in SIZES} for arm in ("batch", "group")}
    return curves(
        "Normalization with small batches, learning rate in proportion to the batch",
        "images in a batch",
        "test accuracy",
        [level_curve(f"{arm} normalization", levels) for arm, levels in accuracy.items()],
        log_x=True,
        log_y=False,
    )


def _loss(evidence: Evidence, arm: str, size: int) -> dict[int, float]:
    """seed -> accuracy with the largest batch minus that with a small one."""
    return evidence.paired(learned(), f"{arm}_{SIZES[-1]}", f"{arm}_{size}")
