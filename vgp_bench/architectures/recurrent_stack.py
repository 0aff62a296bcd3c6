"""Recurrent layers one above the other and a linear classifier: the frame of RNN, IRNN, LSTM and GRU."""

import torch
from torch import Tensor, nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent import HiddenStates, Recurrent
from vgp_bench.architectures.recurrent_layer import CellFactory, RecurrentLayer
from vgp_bench.architectures.sizes import check_positive
from vgp_bench.architectures.stages import Stage
from vgp_bench.components.normalizers import (
    BatchNormalizer,
    GroupNormalizer,
    InstanceNormalizer,
    LayerNormalizer,
    Normalizer,
    RMSNormalizer,
)
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError

_REFUSED: dict[type[Normalizer], str] = {
    BatchNormalizer: "batch: time steps would share their statistics (Cooijmans et al. 2017 keep them for each step)",
    GroupNormalizer: "group: no recurrent cell is known with it",
    InstanceNormalizer: "instance: a time step has no positions to average over",
}


class RecurrentStack(Recurrent):
    """layers recurrent layers, each of one cell or, if bidirectional, two; dropout between them (Zaremba et al. 2014).

    The answer is read from the last states: of the forward direction those at the last time step, of the backward
    direction those at the first. Where sequence.every_step, from the states of each step.
    """

    def __init__(
        self,
        sequence: SequenceShape,
        make_cell: CellFactory,
        hidden: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ConfigError(f"architecture.dropout={dropout}: a probability of 0 or more and below 1")
        if dropout and layers == 1:
            raise ConfigError(
                f"architecture.dropout={dropout} acts between layers, and there is one: use architecture.layers=2 or "
                "more, or architecture.dropout=0"
            )
        directions = 2 if bidirectional else 1
        features = [sequence.features, *[directions * hidden] * (layers - 1)]
        self.layers = nn.Sequential(
            *(
                RecurrentLayer([make_cell(size) for _ in range(directions)], dropout if index else 0.0)
                for index, size in enumerate(features)
            )
        )
        read = [] if sequence.every_step else [LastStates(hidden)]
        self.output = nn.Sequential(*read, nn.Linear(directions * hidden, sequence.outputs))

    def stages(self) -> list[Stage]:
        layers = [Stage(f"layer_{depth}", layer, depth) for depth, layer in enumerate(self.layers, start=1)]
        return [*layers, Stage("output", self.output, len(layers) + 1, "output")]

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.output(self.layers(inputs))
        return outputs

    def unrolled(self, inputs: Tensor) -> tuple[Tensor, list[HiddenStates]]:
        seen: list[HiddenStates] = []
        for depth, layer in enumerate(self.layers, start=1):
            assert isinstance(layer, RecurrentLayer)  # for the type checker
            inputs, states = layer.unroll(inputs, f"layer_{depth}")
            seen += states
        return self.output(inputs), seen


class LastStates(nn.Module):
    """(n, length, directions * hidden) -> (n, directions * hidden): what each direction ends with."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden

    def forward(self, states: Tensor) -> Tensor:
        return torch.cat([states[:, -1, : self.hidden], states[:, 0, self.hidden :]], dim=-1)


def check_cell(parts: Parts, hidden: int, layers: int) -> None:
    """Raise ConfigError for sizes below 1 and for what makes no sense inside a cell, which runs at every time step."""
    check_positive(hidden=hidden, layers=layers)
    normalizer = parts.normalizer
    if normalizer.weight_standardization:
        raise ConfigError(
            "normalizer.weight_standardization=true gives recurrent weights variance 1, which explodes over time: "
            "set it to false"
        )
    if not normalizer.normalizes:
        return
    if not isinstance(normalizer, LayerNormalizer | RMSNormalizer):
        reason = _REFUSED.get(type(normalizer), f"{type(normalizer).__name__}: no recurrent cell is known with it")
        raise ConfigError(f"normalizer={reason}: use normalizer=layer, rms or none")
    if normalizer.placement != "before":
        raise ConfigError(
            "normalizer.placement=after: inside a recurrent cell sums are normalized before the activation "
            "(Ba et al. 2016): use before"
        )
