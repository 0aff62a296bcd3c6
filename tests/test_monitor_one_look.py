"""A stage that returns its activation is looked at once, when the gradient comes: it shows what two looks show."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import make_activation
from vgp_bench.components.kept_results import KEPT, result_counter, returned_activation
from vgp_bench.components.saturation import saturated_count
from vgp_bench.monitor.gauge import StageGauge, all_weights
from vgp_bench.monitor.observation import Observation
from vgp_bench.monitor.update import WeightUpdate
from vgp_bench.records.rows import LayerRow

SIZE = 5


class Own(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)


class OwnReLU(nn.ReLU):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


LINEAR = nn.Linear(SIZE, SIZE)
SHARED = nn.ReLU()


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Sequential(LINEAR, nn.ReLU()), True),
        (nn.Sequential(LINEAR, nn.BatchNorm1d(SIZE), nn.ReLU()), True),
        (nn.Sequential(OrderedDict(layer=LINEAR, activation=nn.ReLU())), True),
        (nn.Sequential(LINEAR, nn.ReLU(), nn.LayerNorm(SIZE)), False),  # the ReLU's values are not h
        (nn.Sequential(nn.ReLU(), LINEAR), False),
        (nn.Sequential(LINEAR, nn.Tanh(), LINEAR, nn.ReLU()), False),  # the tanh is to be counted too
        (nn.Sequential(LINEAR, nn.ReLU6()), False),  # saturated above 6 too
        (nn.Sequential(LINEAR, nn.Tanh()), True),
        (nn.Sequential(LINEAR, nn.Sigmoid()), True),
        (nn.Sequential(LINEAR, nn.GELU()), False),  # keeps z instead
        (nn.Sequential(LINEAR, make_activation(OwnReLU)), False),
        (Own(LINEAR, nn.ReLU()), False),
        (nn.Sequential(LINEAR, SHARED, LINEAR, SHARED), False),
        (nn.ReLU(), False),
        (nn.Sequential(), False),
    ],
    ids=[
        "plain",
        "batch",
        "named",
        "after",
        "before",
        "two",
        "relu6",
        "tanh",
        "sigmoid",
        "gelu",
        "own-relu",
        "own",
        "shared",
        "bare",
        "empty",
    ],
)
def test_it_is_a_plain_chain_with_one_activation_at_its_end(module: nn.Module, expected: bool) -> None:
    assert (returned_activation(module) is not None) is expected


def looked_at(modules: Sequence[nn.Module], forward_backward: Callable[[], None], one_look: bool) -> list[LayerRow]:
    gauges = [StageGauge(Stage(f"s{k}", module, k + 1)) for k, module in enumerate(modules)]
    for gauge in gauges:
        assert gauge.returned is not None
        if not one_look:
            gauge.returned = None
    observation = Observation(gauges, WeightUpdate(all_weights(gauges)), 0, [math.nan] * len(gauges))
    forward_backward()
    observation.after_backward({})
    rows = observation.rows()
    for module in modules:
        module.zero_grad()
        assert not any(part._forward_hooks for part in module.modules())
    return [replace(row, dead_fraction=0.0) for row in rows]  # NaN is not equal to itself


def layer(activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    return nn.Sequential(nn.Linear(SIZE, SIZE), activation())


@pytest.mark.parametrize("activation", KEPT)
@pytest.mark.parametrize("inputs", ["finite", "NaN"])
def test_one_look_shows_what_two_show(inputs: str, activation: type[nn.Module]) -> None:
    torch.manual_seed(0)
    first, second = layer(activation), layer(activation)
    x = 10 * torch.randn(30, SIZE)
    first[0].weight.data[0], first[0].bias.data[0] = 0, 0  # a unit that is zero, or one half, throughout
    if inputs == "NaN":
        x[3, 1] = math.nan

    def run() -> None:
        (second(first(x)) * torch.arange(1.0, SIZE + 1)).sum().backward()

    one, two = (looked_at([first, second], run, one_look) for one_look in (True, False))
    assert one == two
    assert 0.2 < one[0].saturated_fraction < 0.8
    assert (one[0].zero_fraction == 0) == (activation is nn.Sigmoid)
    assert (one[0].zero_fraction == one[0].saturated_fraction) == (activation is nn.ReLU)
    assert one[0].nonfinite_activations == (SIZE if inputs == "NaN" else 0)


def test_several_runs_in_a_step_count_together() -> None:
    torch.manual_seed(0)
    module = layer()
    portions = [torch.randn(10, SIZE), torch.randn(40, SIZE) + 3]
    portions[0][:4] = math.nan  # 6 inputs remain

    def run() -> None:
        sum(module(x).square().sum() for x in portions).backward()

    one, two = (looked_at([module], run, one_look)[0] for one_look in (True, False))
    both = module(torch.cat([portions[0][4:], portions[1]])).detach()
    assert one.nonfinite_activations == 4 * SIZE
    assert one.activation_mean == pytest.approx(both.mean().item(), rel=1e-5)
    assert one.activation_std == pytest.approx(both.std(correction=0).item(), rel=1e-5)
    assert one.zero_fraction == two.zero_fraction == (both == 0).sum().item() / (50 * SIZE)
    assert one.activation_gradient_l2 == pytest.approx(two.activation_gradient_l2)


def test_an_output_sent_back_twice_is_looked_at_once() -> None:
    torch.manual_seed(0)
    module, x = layer(), torch.randn(30, SIZE)

    def run() -> None:
        h = module(x)
        h.sum().backward(retain_graph=True)
        (2 * h).sum().backward()

    one, two = (looked_at([module], run, one_look)[0] for one_look in (True, False))
    assert one == two
    assert one.activation_gradient_l2 == pytest.approx(math.sqrt(30 * SIZE) * math.sqrt(1 + 4))


@pytest.mark.parametrize("grad", [True, False], ids=["aside", "without graph"])
def test_what_no_gradient_reaches_is_looked_at_all_the_same(grad: bool) -> None:
    torch.manual_seed(0)
    module, x = layer(), torch.randn(30, SIZE)

    def run() -> None:
        with torch.set_grad_enabled(grad):
            module(x)

    (row,) = looked_at([module], run, one_look=True)
    h = F.relu(module[0](x)).detach()
    assert row.activation_mean == pytest.approx(h.mean().item(), rel=1e-5)
    assert row.zero_fraction == (h == 0).double().mean().item()
    assert math.isnan(row.activation_gradient_l2)


def test_what_has_no_graph_is_looked_at_before_somebody_writes_into_it() -> None:
    torch.manual_seed(0)
    module, x = layer().requires_grad_(False), torch.randn(30, SIZE)
    expected = module(x).mean().item()

    def run() -> None:
        module(x).mul_(3)

    (row,) = looked_at([module], run, one_look=True)
    assert row.activation_mean == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("activation", KEPT)
@pytest.mark.parametrize("size", [1000, 100_001], ids=["small", "large"])
def test_saturation_is_seen_in_the_result_as_in_z(activation: type[nn.Module], size: int) -> None:
    z = torch.linspace(-8, 8, size)
    expected = float(saturated_count(activation(), z))
    assert 0.2 * size < expected < 0.8 * size
    assert float(result_counter(activation())(activation()(z))) == expected
    missing = torch.tensor([math.nan])
    assert float(result_counter(activation())(missing)) == 0


@pytest.mark.parametrize("activation", KEPT)
def test_nobody_changes_a_result_before_its_gradient_comes(activation: type[nn.Module]) -> None:
    h = layer(activation)(torch.randn(3, SIZE))
    changed = h + 0
    h.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        changed.sum().backward()


def test_no_counter_for_an_activation_that_keeps_no_result() -> None:
    with pytest.raises(ValueError, match="not in"):
        result_counter(nn.GELU())
