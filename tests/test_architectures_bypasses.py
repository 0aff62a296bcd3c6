"""How blocks join shortcut and branch (He et al. 2016, table 1), and their order (table 2), against twins by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.architectures.bypasses import GatedJoint
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.residual_mlp import ResidualMLP
from vgp_bench.architectures.resnet import ResNet
from vgp_bench.architectures.resnet_imagenet import ResNetImageNet
from vgp_bench.components.normalizers import BatchNormalizer, NoNormalizer
from vgp_bench.errors import ConfigError

SHAPE = (3, 8, 8)
BATCH, NONE = Parts(nn.ReLU, BatchNormalizer()), Parts(nn.ReLU, NoNormalizer())
BYPASSES = ["identity", "scaled", "convolution", "gate_exclusive", "gate_shortcut", "dropout", "none"]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def network(bypass: str = "identity", parts: Parts = BATCH, **keys: Any) -> ResNet:
    made: Any = {"width": 4, "bypass": bypass, **keys}
    model = ResNet(SHAPE, 10, parts, 8, **made)
    model.finish_initialization()
    return model


def branch_by_hand(block: Any, x: Tensor, stride: int) -> Tensor:
    """conv, BN, ReLU, conv, BN with the statistics of the batch."""
    first, second = (module for module in block.branch if isinstance(module, nn.Conv2d))
    h = torch.relu(F.batch_norm(F.conv2d(x, first.weight, stride=stride, padding=1), None, None, training=True))
    return F.batch_norm(F.conv2d(h, second.weight, padding=1), None, None, training=True)


def by_hand(bypass: str, block: Any, x: Tensor, carried: Tensor, branch: Tensor, stride: int) -> Tensor:
    if bypass.startswith("gate"):
        gate = 1 / (1 + torch.exp(-F.conv2d(x, block.joint.gate.weight, block.joint.gate.bias, stride=stride)))
        return (1 - gate) * carried + (gate if bypass == "gate_exclusive" else 1) * branch
    if bypass == "convolution":
        projected = F.conv2d(x, block.shortcut[0].weight, stride=stride)
        return F.batch_norm(projected, None, None, training=True) + branch
    return {"identity": carried + branch, "scaled": carried / 2 + branch / 2, "none": branch}[bypass]


@pytest.mark.parametrize("bypass", [name for name in BYPASSES if name != "dropout"])
def test_a_block_joins_as_the_table_says(bypass: str) -> None:
    model = network(bypass, gate_bias=0.3)
    x = torch.randn(5, 4, 8, 8)
    expected = torch.relu(by_hand(bypass, model.blocks[0], x, x, branch_by_hand(model.blocks[0], x, 1), 1))
    torch.testing.assert_close(model.blocks[0](x), expected)
    smaller = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 4))
    expected = torch.relu(by_hand(bypass, model.blocks[1], x, smaller, branch_by_hand(model.blocks[1], x, 2), 2))
    torch.testing.assert_close(model.blocks[1](x), expected)


def test_dropout_halves_the_shortcut_on_average_and_in_evaluation() -> None:
    block: Any = network("dropout").blocks[0]
    carried = torch.ones(64, 4, 8, 8)
    nothing = torch.zeros_like(carried)
    trained = block.joint(carried, carried, nothing)
    assert set(trained.unique().tolist()) == {0.0, 1.0}
    assert trained.mean().item() == pytest.approx(0.5, abs=0.02)
    assert block.joint.eval()(carried, carried, nothing).eq(0.5).all()


@pytest.mark.parametrize("bypass", BYPASSES)
@pytest.mark.parametrize("order", ["original", "preactivation", "norm_after_addition"])
def test_every_bypass_learns_in_every_order(bypass: str, order: str) -> None:
    for model in (network(bypass, order=order), ResNetImageNet(SHAPE, 10, BATCH, 18, 2, order=order, bypass=bypass)):  # type: ignore[arg-type]
        F.cross_entropy(model(torch.randn(6, *SHAPE)), torch.arange(6)).backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
        assert sum(bool(gradient is not None and gradient.any()) for gradient in gradients) == len(gradients)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_what_a_bypass_costs_in_parameters() -> None:
    """Blocks 4 -> 4, 4 -> 8, 8 -> 16: a gate has in * out weights and out biases, a projection 2 * out of its BN."""
    plain = count(network())
    assert [count(network(name)) - plain for name in ("scaled", "dropout", "none")] == [0, 0, 0]
    assert count(network("gate_exclusive")) - plain == 16 + 4 + 32 + 8 + 128 + 16
    assert count(network("gate_shortcut")) == count(network("gate_exclusive"))
    assert count(network("convolution")) - plain == 16 + 8 + 32 + 16 + 128 + 32
    assert count(network("none", shortcut="B")) == plain


def test_gates_start_at_the_bias_and_count_as_no_activation() -> None:
    gates = [module for module in network("gate_exclusive").modules() if isinstance(module, GatedJoint)]
    assert len(gates) == 3
    assert all(gate.gate.bias is not None and gate.gate.bias.eq(-6).all() for gate in gates)
    assert not any(isinstance(module, nn.Sigmoid) for module in network("gate_shortcut").modules())


def test_norm_after_addition_as_in_the_paper() -> None:
    """conv, BN, ReLU, conv; the addition; BN, ReLU (He et al. 2016, figure 4 b)."""
    block: Any = network(order="norm_after_addition").blocks[0]
    x = torch.randn(5, 4, 8, 8)
    first, second = (module for module in block.branch if isinstance(module, nn.Conv2d))
    h = torch.relu(F.batch_norm(F.conv2d(x, first.weight, padding=1), None, None, training=True))
    added = x + F.conv2d(h, second.weight, padding=1)
    torch.testing.assert_close(block(x), torch.relu(F.batch_norm(added, None, None, training=True)))


def test_norm_after_addition_has_the_parameters_of_the_original_order_and_fits_dense_layers() -> None:
    assert count(network(order="norm_after_addition")) == count(network())
    mlp = ResidualMLP(SHAPE, 10, BATCH, 3, 16, "norm_after_addition")
    block: Any = mlp.blocks[0]
    x = torch.randn(7, 16)
    added = x + x @ block.branch[0].weight.T
    torch.testing.assert_close(block(x), torch.relu(F.batch_norm(added, None, None, training=True)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"bypass": "gate"}, r"architecture\.bypass=gate: use identity, scaled, .* or none"),
        (
            {"bypass": "none", "residual": "rezero"},
            r"residual=rezero starts every block as the identity, .*bypass=none",
        ),
        ({"bypass": "scaled", "residual": "fixup", "parts": NONE}, r"set architecture\.bypass=identity"),
        ({"order": "norm_after_addition", "parts": NONE}, r"order=norm_after_addition moves the normalizer"),
        (
            {"order": "norm_after_addition", "parts": Parts(nn.ReLU, BatchNormalizer(placement="after"))},
            r"normalizer\.placement=before",
        ),
    ],
)
def test_combinations_without_sense_are_refused_in_one_line(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        network(**keys)
    assert "\n" not in str(refused.value)
