"""The figures of one stage in one logged step, and the row that they become."""

import math
from collections.abc import Sequence

from torch import Tensor

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.counting import Values
from vgp_bench.monitor.moments import moments
from vgp_bench.monitor.norms import Figure, finite_norm
from vgp_bench.monitor.readings import Readings
from vgp_bench.records.rows import LayerRow


class LayerFigures:
    """Of one stage: a figure for each tensor of a kind; and sizes, in numbers of values.

    A stage that runs several times in a step (for portions of the batch, say) has several outputs.
    """

    def __init__(self, readings: Readings) -> None:
        self._put = readings.put
        self.means: list[float] = []
        self.stds: list[float] = []
        self.nonfinite: list[float] = []
        self.sizes: list[int] = []
        self.gradients: list[float] = []
        self.nonfinite_gradients: list[float] = []
        self.gradient_size = 0
        self.saturated: list[float] = []
        self.zeros: list[float] = []
        self.activation_size = 0
        self.weight_gradients: list[float] = []
        self.nonfinite_weight_gradients: list[float] = []
        self.weights: list[float] = []
        self.moves: list[float] = []

    def add_output(self, h: Values) -> None:
        """One output of the stage."""
        mean, std, nonfinite = moments(h)
        self._put(mean, self.means)
        self._put(std, self.stds)
        self._put(nonfinite, self.nonfinite)
        self.sizes.append(h.numel() if isinstance(h, Tensor) else h.size)

    def add_activation(self, saturated: Figure, zeros: Figure, size: int) -> None:
        """How many of so many values of an activation in it are saturated, and how many zero."""
        self._put(saturated, self.saturated)
        self._put(zeros, self.zeros)
        self.activation_size += size

    def add_gradient(self, gradient: Tensor) -> None:
        """dL/dh of one output."""
        norm, nonfinite = finite_norm(gradient.detach())
        self._put(norm, self.gradients)
        self._put(nonfinite, self.nonfinite_gradients)
        self.gradient_size += gradient.numel()

    def add_weight_gradient(self, gradient: Tensor, known: Figure | None) -> None:
        """dL/dW of one weight. known: its true_norm, if it is there already."""
        norm, nonfinite = finite_norm(gradient, known)
        self._put(norm, self.weight_gradients)
        self._put(nonfinite, self.nonfinite_weight_gradients)

    def add_weight(self, norm: Figure, moved: Figure) -> None:
        """||W|| before the step, and by how much it moved W."""
        self._put(norm, self.weights)
        self._put(moved, self.moves)


def layer_row(
    step: int,
    index: int,
    stage: Stage,
    size: int,
    figures: LayerFigures,
    scale: float,
    dead_fraction: float,
) -> LayerRow:
    """index: of the stage; size: of all its measured weights; figures: all of them read;
    scale: of the loss in the backward pass, taken out of the activation gradients here."""
    nan = math.nan
    mean, std = _joint_moments(figures)
    gradient = _joint_norm(figures.gradients) / scale
    weight_gradient = _joint_norm(figures.weight_gradients)
    weight = _joint_norm(figures.weights)
    move = _joint_norm(figures.moves)
    units = figures.activation_size
    return LayerRow(
        step=step,
        stage=index,
        name=stage.name,
        kind=stage.kind,
        depth=stage.depth,
        activation_gradient_l2=gradient,
        activation_gradient_rms=gradient / math.sqrt(figures.gradient_size) if figures.gradient_size else nan,
        weight_gradient_l2=weight_gradient,
        weight_gradient_rms=weight_gradient / math.sqrt(size) if size else nan,
        weight_l2=weight,
        update_ratio=move / weight if weight else nan,
        activation_mean=mean,
        activation_std=std,
        saturated_fraction=sum(figures.saturated) / units if units else nan,
        zero_fraction=sum(figures.zeros) / units if units else nan,
        dead_fraction=dead_fraction,
        nonfinite_activations=int(sum(figures.nonfinite)),
        nonfinite_activation_gradients=int(sum(figures.nonfinite_gradients)),
        nonfinite_weight_gradients=int(sum(figures.nonfinite_weight_gradients)),
    )


def _joint_norm(norms: Sequence[float]) -> float:
    """The L2 norm of several tensors from the norm of each; NaN for none."""
    return math.hypot(*norms) if norms else math.nan


def _joint_moments(figures: LayerFigures) -> tuple[float, float]:
    """Mean and standard deviation of all outputs together, from those of each; NaN for none."""
    if len(figures.means) == 1:
        return figures.means[0], figures.stds[0]
    finite = [size - bad for size, bad in zip(figures.sizes, figures.nonfinite, strict=True)]
    count = sum(finite)
    if not count:
        return math.nan, math.nan
    filled = [(m, s, n) for m, s, n in zip(figures.means, figures.stds, finite, strict=True) if n]
    mean = sum(m * n for m, _, n in filled) / count
    return mean, math.sqrt(sum((s * s + (m - mean) * (m - mean)) * n for m, s, n in filled) / count)
