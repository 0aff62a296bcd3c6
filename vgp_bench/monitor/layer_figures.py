"""The figures of one stage in one logged step: where each is among the readings, and the row that they become."""

import math
from collections.abc import Sequence

from vgp_bench.architectures.stages import Stage
from vgp_bench.records.rows import LayerRow


class Places:
    """Where in the Readings the figures of one stage are; one place for each tensor of a kind.

    A stage that runs several times in a step (for portions of the batch, say) has several.
    """

    def __init__(self) -> None:
        self.moments: list[tuple[int, int, int]] = []
        self.sizes: list[int] = []
        self.gradients: list[tuple[int, int]] = []
        self.gradient_size = 0
        self.saturated: list[int] = []
        self.zeros: list[int] = []
        self.activation_size = 0
        self.weight_gradients: list[tuple[int, int]] = []
        self.weights: list[int] = []
        self.moves: list[int] = []


def layer_row(
    step: int,
    index: int,
    stage: Stage,
    size: int,
    places: Places,
    numbers: Sequence[float],
    scale: float,
    dead_fraction: float,
) -> LayerRow:
    """index: of the stage; size: of all its measured weights; numbers: what was read, places tells which is which;
    scale: of the loss in the backward pass, taken out of the activation gradients here."""
    nan = math.nan
    bad = [numbers[p] for _, _, p in places.moments]
    mean, std = _joint_moments(
        [(numbers[m], numbers[s], n - b) for (m, s, _), n, b in zip(places.moments, places.sizes, bad, strict=True)]
    )
    gradient = _joint_norm([numbers[p] for p, _ in places.gradients]) / scale
    weight_gradient = _joint_norm([numbers[p] for p, _ in places.weight_gradients])
    weight = _joint_norm([numbers[p] for p in places.weights])
    move = _joint_norm([numbers[p] for p in places.moves])
    units = places.activation_size
    return LayerRow(
        step=step,
        stage=index,
        name=stage.name,
        kind=stage.kind,
        depth=stage.depth,
        activation_gradient_l2=gradient,
        activation_gradient_rms=gradient / math.sqrt(places.gradient_size) if places.gradient_size else nan,
        weight_gradient_l2=weight_gradient,
        weight_gradient_rms=weight_gradient / math.sqrt(size) if size else nan,
        weight_l2=weight,
        update_ratio=move / weight if weight else nan,
        activation_mean=mean,
        activation_std=std,
        saturated_fraction=sum(numbers[p] for p in places.saturated) / units if units else nan,
        zero_fraction=sum(numbers[p] for p in places.zeros) / units if units else nan,
        dead_fraction=dead_fraction,
        nonfinite_activations=int(sum(bad)),
        nonfinite_activation_gradients=int(sum(numbers[p] for _, p in places.gradients)),
        nonfinite_weight_gradients=int(sum(numbers[p] for _, p in places.weight_gradients)),
    )


def _joint_norm(norms: Sequence[float]) -> float:
    """The L2 norm of several tensors from the norm of each; NaN for none."""
    return math.hypot(*norms) if norms else math.nan


def _joint_moments(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Mean and standard deviation of several tensors together, from (mean, deviation, values) of each; NaN for none."""
    if len(parts) == 1:
        return parts[0][:2]
    count = sum(n for _, _, n in parts)
    if not count:
        return math.nan, math.nan
    filled = [(m, s, n) for m, s, n in parts if n]
    mean = sum(m * n for m, _, n in filled) / count
    return mean, math.sqrt(sum((s * s + (m - mean) ** 2) * n for m, s, n in filled) / count)
