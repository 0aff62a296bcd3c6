"""Help for tests of the signal flow: small networks of given weights, and the rows that are measured on them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.probing import Chain
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.activations import make_activation
from vgp_bench.data.objectives import Objective
from vgp_bench.monitor.flow import flow_rows
from vgp_bench.monitor.probing import Probe
from vgp_bench.records.rows import ProbeRow


class Sum(Objective):
    """The mean over the samples of the sum of outputs, times a scale."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self.scale * outputs.sum() / len(outputs)

    def correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.zeros(())


def rows_of(model: Architecture, inputs: Tensor, objective: Objective | None = None) -> list[ProbeRow]:
    return flow_rows(model, model.stages(), Probe(inputs, torch.zeros(len(inputs)), objective or Sum()), 0)


def linear(weight: Sequence[Sequence[float]], bias: Sequence[float] | None = None) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=bias is not None)
    layer.weight.data = torch.tensor(weight)
    if bias is not None:
        layer.bias.data = torch.tensor(bias)
    return layer


FIGURES = [name for name in ProbeRow.__slots__ if name not in ("step", "stage", "name", "kind", "depth")]


def figures(row: ProbeRow) -> dict[str, float]:
    return {name: getattr(row, name) for name in FIGURES}


def measured(rows: Sequence[ProbeRow], *columns: str) -> list[float]:
    return [getattr(row, column) for row in rows for column in columns]


# --- truths of invariance ---


def relu_net(seed: int = 0) -> Chain:
    torch.manual_seed(seed)
    hidden = [nn.Sequential(nn.Linear(6 if i == 0 else 8, 8, bias=False), make_activation(nn.ReLU)) for i in range(4)]
    return Chain(*hidden, nn.Linear(8, 3, bias=False))


SCALE_FREE = ("sensitivity", "input_share", "unit_spread", "weight_spread", "slope_mean")
