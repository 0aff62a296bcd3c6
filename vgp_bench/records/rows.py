"""Row types: each dataclass is the schema of one table, with the unit and the definition of every column.

The table in docs/columns.md is generated from these types. NaN means "not measured at this step".
Symbols: h_l output of stage l, W_l all its weight matrices and filters (biases and gains excluded), L the
mean-reduced loss. Gradients are taken before clipping. Norms cover the finite values; non-finite values are
counted in columns of their own.
"""

from dataclasses import dataclass, field, fields
from typing import Any


def column(unit: str, definition: str) -> Any:
    """A dataclass field that carries its unit and its definition."""
    return field(metadata={"unit": unit, "definition": definition})


@dataclass(frozen=True, slots=True)
class StepRow:
    """One optimizer step."""

    step: int = column("steps", "optimizer steps done before this one; 0 is the network as initialized")
    epoch: int = column("epochs", "passes over the training data begun before this one")
    learning_rate: float = column("1", "learning rate of this step")
    loss: float = column(
        "nats", "mean loss of the training batch before the step: cross-entropy, or squared error of a regression"
    )
    accuracy: float = column(
        "fraction",
        "share of right answers in the training batch, before the step; a regression is right within .04 of the target",
    )
    gradient_l2: float = column(
        "loss", "||dL/dtheta||_2 over all parameters, before clipping; only at logged or norm-clipping steps"
    )
    clipped: float = column("0 or 1", "whether clipping changed the gradient of this step; NaN without clipping")


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One pass over the training data (the last one may be cut short by trainer.max_steps)."""

    epoch: int = column("epochs", "number of the pass, from 0")
    step: int = column("steps", "optimizer steps done at its end")
    train_loss: float = column("nats", "mean of the loss over the steps of this pass, in training mode")
    train_accuracy: float = column("fraction", "mean of the accuracy over the steps of this pass, in training mode")
    validation_loss: float = column("nats", "mean loss on the validation split, evaluation mode, no label smoothing")
    validation_accuracy: float = column("fraction", "accuracy on the validation split, in evaluation mode")
    images_per_second: float = column(
        "images/s", "training images (or sequences) of this pass / its training time (validation excluded)"
    )
    seconds: float = column("s", "training time since the run began (validation excluded)")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One stage (layer of a plain net, block of a residual one) at one logged step."""

    step: int = column("steps", "optimizer steps done before this measurement; 0 is the network as initialized")
    stage: int = column("1", "position in depth order, from 0 at the input")
    name: str = column("", "name of the stage in the network")
    kind: str = column("", "'hidden', or 'output' for the classifier")
    depth: int = column("layers", "weight layers from the input up to and including this stage")
    activation_gradient_l2: float = column("loss/unit of h", "||dL/dh_l||_2 over the whole batch")
    activation_gradient_rms: float = column("loss/unit of h", "||dL/dh_l||_2 / sqrt(number of values)")
    weight_gradient_l2: float = column("loss/unit of W", "||dL/dW_l||_2")
    weight_gradient_rms: float = column("loss/unit of W", "||dL/dW_l||_2 / sqrt(number of weights)")
    weight_l2: float = column("unit of W", "||W_l||_2 before the step")
    update_ratio: float = column(
        "1",
        "||W_l after the step - W_l before it||_2 / ||W_l before it||_2; in a run on a CPU "
        "by SGD with momentum, not Nesterov's, the step it asked for, before the weights are rounded to float32",
    )
    activation_mean: float = column("unit of h", "mean of h_l over batch and units")
    activation_std: float = column("unit of h", "standard deviation of h_l over batch and units")
    saturated_fraction: float = column(
        "fraction", "share of activation inputs z in the stage with |phi'(z)| < 5 % of max |phi'|, over batch and units"
    )
    zero_fraction: float = column("fraction", "share of activation outputs in the stage that are exactly 0")
    dead_fraction: float = column(
        "fraction", "share of units (neurons, or channels over all positions) that are 0 on the whole fixed probe set"
    )
    nonfinite_activations: int = column("values", "NaN and infinite values in h_l")
    nonfinite_activation_gradients: int = column("values", "NaN and infinite values in dL/dh_l")
    nonfinite_weight_gradients: int = column("values", "NaN and infinite values in dL/dW_l")


@dataclass(frozen=True, slots=True)
class TimeRow:
    """One time step of a recurrent layer at one probed step. In float64: norms down to 1e-300 are meaningful."""

    step: int = column("steps", "optimizer steps done before this measurement; 0 is the network as initialized")
    layer: str = column("", "name of the recurrent layer")
    direction: str = column(
        "", "'forward', or 'backward' for the half of a bidirectional layer that reads from the end"
    )
    time: int = column("time steps", "t, from 1 at the beginning of the sequence")
    lag: int = column("time steps", "steps between h_t and the last state of its direction")
    state_gradient_l2: float = column(
        "loss/unit of h", "||dL/dh_t||_2 over the probe sequences: total derivative, through all later steps and layers"
    )
    cell_gradient_l2: float = column("loss/unit of c", "||dL/dc_t||_2 of an LSTM's cell, likewise; NaN for other cells")


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """One bin of the histogram of h_l over the whole fixed probe set, in training mode, at one probed step."""

    step: int = column("steps", "optimizer steps done before this measurement; 0 is the network as initialized")
    stage: int = column("1", "position in depth order, from 0 at the input")
    name: str = column("", "name of the stage in the network")
    kind: str = column("", "'hidden', or 'output' for the classifier")
    depth: int = column("layers", "weight layers from the input up to and including this stage")
    lower: float = column(
        "unit of h", "lower edge, part of the bin; equal to upper for values that are 0, counted apart, or all equal"
    )
    upper: float = column(
        "unit of h", "upper edge, part of the last bin only; 33 to 65 bins, as wide as a power of 2, span what is not 0"
    )
    count: int = column("values", "values of h_l in the bin; NaN and infinite ones are in a bin with NaN for edges")


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One stage at one probed step, over inputs of the fixed probe set: what a diagnosis rests on.

    h_i: output of the stage for input i; L_i: the loss of input i. Of the activations in the stage, z is the input and
    phi(z) the output. The columns from weight_gradient_mean on are read by the rules of other tools only.
    """

    step: int = column("steps", "optimizer steps done before this measurement; 0 is the network as initialized")
    stage: int = column("1", "position in depth order, from 0 at the input")
    name: str = column("", "name of the stage in the network")
    kind: str = column("", "'hidden', or 'output' for the classifier")
    depth: int = column("layers", "weight layers from the input up to and including this stage")
    sensitivity: float = column(
        "loss",
        "mean of ||h_i|| ||dL_i/dh_i||: loss per relative change of h; no layer's scale is in it",
    )
    sample_gradient: float = column("loss/unit of h", "mean of ||dL_i/dh_i||")
    input_share: float = column(
        "fraction", "tr Cov(h) / mean ||h_i||^2: how much of h depends on the input; 0: every input looks the same"
    )
    unit_spread: float = column(
        "fraction", "||h - its mean over units|| / ||h||: how much units differ; 0: all of them do the same"
    )
    weight_spread: float = column(
        "fraction", "||W - its mean row|| / ||W||, the least of the stage's weights; 0: all rows are equal"
    )
    slope_mean: float = column("fraction", "mean of |phi'(z)| / max |phi'|")
    saturated_units: float = column(
        "fraction",
        "share of units with |phi'(z)| < 5 % of max |phi'| on over 90 % of the inputs, if phi flattens at both ends",
    )
    weight_gradient_mean: float = column("loss/unit of W", "mean of |dL/dW_l|")
    zero_gradient_fraction: float = column("fraction", "share of the values of dL/dW_l that are exactly 0")
    nonpositive_fraction: float = column("fraction", "share of phi(z) that are 0 or less")
    large_input_fraction: float = column("fraction", "share of |z| >= 5")
    extreme_input_fraction: float = column("fraction", "share of |z| >= 9.5")
    boundary_mean: float = column(
        "fraction", "mean distance of phi(z) from the middle of its range, as a share of half the range, if it has one"
    )
    rare_units: float = column("fraction", "share of units that are not 0 on less than 1 % of the inputs")
    faint_units: float = column("fraction", "share of units with |phi(z)| < 1e-5 on at least 95 % of the inputs")


@dataclass(frozen=True, slots=True)
class AngleRow:
    """One stage at one probed step of a run whose learning rule is not backpropagation, on inputs of the fixed probe
    set. With backpropagation there are no such rows.
    """

    step: int = column("steps", "optimizer steps done before this measurement; 0 is the network as initialized")
    stage: int = column("1", "position in depth order, from 0 at the input")
    name: str = column("", "name of the stage in the network")
    kind: str = column("", "'hidden', or 'output' for the classifier")
    depth: int = column("layers", "weight layers from the input up to and including this stage")
    gradient_angle: float = column(
        "degrees",
        "angle between dL/dW_l as the rule sends it back and the exact one; below 90 a small step lowers L",
    )


Row = StepRow | EpochRow | LayerRow | TimeRow | HistogramRow | ProbeRow | AngleRow

TABLES: dict[str, type[Row]] = {
    "steps": StepRow,
    "epochs": EpochRow,
    "layers": LayerRow,
    "times": TimeRow,
    "histograms": HistogramRow,
    "probes": ProbeRow,
    "angles": AngleRow,
}
"""File name (without suffix) of each table in a run directory."""


def columns_as_markdown() -> str:
    """Every column of every table with its unit and definition, as markdown."""
    parts = []
    for table, row_type in TABLES.items():
        parts += [
            f"## `{table}.parquet`",
            "",
            (row_type.__doc__ or "").strip(),
            "",
            "| column | unit | definition |",
            "|---|---|---|",
        ]
        parts += [
            f"| `{f.name}` | {f.metadata['unit']} | {f.metadata['definition'].replace('|', chr(92) + '|')} |"
            for f in fields(row_type)
        ]
        parts.append("")
    return "\n".join(parts)
