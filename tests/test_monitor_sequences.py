"""Dead and saturated units of networks on sequences, known by hand: units last, and cells that run more than once."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from tests.probing import dead_fractions
from vgp_bench.architectures.recurrent_layer import RecurrentLayer, unfused
from vgp_bench.architectures.stages import Architecture, Stage
from vgp_bench.components.activations import make_activation
from vgp_bench.components.saturation import saturated_count
from vgp_bench.records.rows import LayerRow, ProbeRow, Row

SMALL_SEQUENCES = ["architecture.hidden=8", "dataset.train_size=64", "trainer.batch_size=16"]


class OneStage(Architecture):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def stages(self) -> list[Stage]:
        return [Stage("only", self.module, 1, "output")]

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.module(inputs)
        return outputs


class Cell(nn.Module):
    """h_t = relu(x_t), one activation module for all time steps."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = make_activation(nn.ReLU)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([self.activation(x) for x in inputs.unbind(1)], dim=1)


def dead(module: nn.Module, inputs: Tensor) -> float:
    model = OneStage(module)
    return dead_fractions(model, model.stages(), inputs)[0]


# 2 sequences of 3 steps and 4 features: the first speaks once, the second at another step, the others never
SEQUENCES = torch.full((2, 3, 4), -1.0)
SEQUENCES[0, 1, 0] = SEQUENCES[1, 2, 1] = 5.0


def test_a_unit_of_a_sequence_is_a_feature_at_all_time_steps() -> None:
    # Of the 3 time steps one is silent: were those the units, a third would be dead.
    assert dead(make_activation(nn.ReLU), SEQUENCES) == pytest.approx(1 / 2)


def test_a_cell_has_its_units_once_and_they_live_if_they_speak_at_any_step() -> None:
    # Were each run's units counted apart, 10 of 12 would be dead.
    assert dead(Cell(), SEQUENCES) == pytest.approx(1 / 2)


def test_two_activations_of_a_stage_have_units_of_their_own() -> None:
    # Features 1 and 2 come through the first; of their negatives, features 3 and 4 and 1 and 2 too through the second
    first, second = make_activation(nn.ReLU), make_activation(nn.ReLU)

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = first, second

        def forward(self, x: Tensor) -> Tensor:
            return self.first(x) + self.second(-x)

    assert dead(Two(), SEQUENCES) == pytest.approx(2 / 8)


class SlopePerFeature(nn.Module):
    """phi(z) = z at z > 0, slope z at z <= 0, a slope for each feature (the last dimension)."""

    def __init__(self, slopes: list[float]) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.tensor(slopes))

    def forward(self, z: Tensor) -> Tensor:
        return torch.where(z > 0, z, self.slopes * z)


@pytest.mark.parametrize("leading", [(6,), (2, 3), (3, 2)])
def test_saturation_compares_with_the_steepest_slope_of_the_same_unit(leading: tuple[int, ...]) -> None:
    # phi' below 5 % of its maximum: z <= 0 with slope .01, never with .5, z > 0 with slope 100
    activation = SlopePerFeature([0.01, 0.5, 100.0])
    assert int(saturated_count(activation, -torch.ones(*leading, 3))) == 6
    assert int(saturated_count(activation, torch.ones(*leading, 3))) == 6


def test_torchs_prelu_has_its_slopes_in_dimension_1_even_on_sequences() -> None:
    activation = nn.PReLU(num_parameters=3)
    with torch.no_grad():
        activation.weight.copy_(torch.tensor([0.01, 0.5, 100.0]))
    z = torch.ones(5, 3, 4)
    assert torch.equal(activation(-z)[:, 2], torch.full((5, 4), -100.0))
    assert int(saturated_count(activation, -z)) == 5 * 4
    assert int(saturated_count(activation, z)) == 5 * 4
    # As many steps as features: the slopes are still those of the steps
    square = torch.ones(5, 3, 3)
    square[:, 1:] *= -1  # slopes .5 and 100 at z < 0, .01 at z > 0
    assert int(saturated_count(activation, square)) == 0


@pytest.mark.parametrize(
    ("activation", "bias", "dead_share", "saturated"),
    [("relu", -100.0, 1.0, None), ("relu", 0.0, 0.0, None), ("tanh", 50.0, 0.0, 1.0), ("tanh", 0.0, 0.0, 0.0)],
)
def test_a_layer_that_trains_fused_shows_its_units_on_the_probe_set(
    activation: str, bias: float, dead_share: float, saturated: float | None
) -> None:
    words = [*SMALL_SEQUENCES, "architecture=rnn", f"activation={activation}", "dataset=digits"]
    loop = small_build(compose(*words, "trainer.max_steps=1", "monitor.probe_every=1"))
    layer = loop.model.stages()[0].module
    for name, parameter in layer.named_parameters():
        if name.endswith("input_to_hidden.bias"):
            parameter.data.fill_(bias)
    found: list[Row] = []
    loop.sink = found.append
    loop.train()
    layers = [row for row in found if isinstance(row, LayerRow) and row.kind == "hidden"]
    probes = [row for row in found if isinstance(row, ProbeRow) and row.kind == "hidden"]
    assert [row.dead_fraction for row in layers] == pytest.approx([dead_share], abs=0.3 if dead_share == 0.0 else 0)
    assert all(math.isnan(row.saturated_fraction) for row in layers)  # of the step itself, which ran fused
    if saturated is None:
        assert math.isnan(probes[0].saturated_units)
    else:
        assert probes[0].saturated_units == saturated


def test_a_layer_is_fused_again_after_the_probe() -> None:
    loop = small_build(compose(*SMALL_SEQUENCES, "architecture=rnn", "activation=tanh", "dataset=digits"))
    (layer, *_) = (module for module in loop.model.modules() if isinstance(module, RecurrentLayer))
    ran: list[str] = []
    layer.directions[0].nonlinearity.register_forward_hook(lambda *_: ran.append("in the open"))
    inputs, _ = loop.feed.batches.probe(4)
    with unfused(loop.model):
        loop.model(inputs)
    assert len(ran) == inputs.shape[1]
    loop.model(inputs)
    assert len(ran) == inputs.shape[1]
