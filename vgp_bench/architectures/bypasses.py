"""How a residual block joins its shortcut and its branch: the ablations of He et al. (2016, section 3, table 1).

x: input of the block; s: what the shortcut makes of it; F: what the branch does. `bypass` is one of

- identity: s + F.
- scaled: (s + F) / 2.
- convolution: s + F, where every shortcut is a 1 x 1 convolution, which the network sees to.
- gate_exclusive: (1 - g) s + g F with g = sigmoid(W_g * x + b_g), a 1 x 1 convolution.
- gate_shortcut: (1 - g) s + F.
- dropout: s loses each of its values with probability .5 while training and is halved otherwise, so that its mean is
  s / 2, as the paper says of it; + F.
- none: F, a block without a shortcut.
"""

from collections.abc import Iterable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from vgp_bench.architectures.sizes import check_choice
from vgp_bench.errors import ConfigError

Bypass = Literal["identity", "scaled", "convolution", "gate_exclusive", "gate_shortcut", "dropout", "none"]

_STARTS_AS_IDENTITY = ("zero_init", "rezero", "skipinit", "fixup")


def check_bypass(bypass: str, residual: str) -> None:
    """Raise ConfigError for a bypass that there is not, or that a start as the identity excludes."""
    check_choice(get_args(Bypass), bypass=bypass)
    if bypass != "identity" and residual in _STARTS_AS_IDENTITY:
        raise ConfigError(
            f"architecture.residual={residual} starts every block as the identity, which architecture.bypass={bypass} "
            "takes away: set architecture.bypass=identity or architecture.residual=plain"
        )


class Joint(nn.Module):
    """s + F."""

    def forward(self, x: Tensor, carried: Tensor, branch: Tensor) -> Tensor:
        return carried + branch


class ScaledJoint(Joint):
    """(s + F) / 2."""

    def forward(self, x: Tensor, carried: Tensor, branch: Tensor) -> Tensor:
        return 0.5 * (carried + branch)


class DropoutJoint(Joint):
    """s / 2 on average, plus F."""

    def forward(self, x: Tensor, carried: Tensor, branch: Tensor) -> Tensor:
        return 0.5 * functional.dropout(carried, 0.5, self.training) + branch


class BranchAlone(Joint):
    """F."""

    def forward(self, x: Tensor, carried: Tensor, branch: Tensor) -> Tensor:
        return branch


class GatedJoint(Joint):
    """(1 - g) s + F, or with exclusive (1 - g) s + g F. W_g is the initializer's, b_g is set by start_gates."""

    def __init__(self, features_in: int, features_out: int, stride: int, exclusive: bool) -> None:
        super().__init__()
        self.gate = nn.Conv2d(features_in, features_out, 1, stride=stride)
        self.exclusive = exclusive

    def forward(self, x: Tensor, carried: Tensor, branch: Tensor) -> Tensor:
        # Not a module: g is no activation of the network, so its saturation, which is wanted, is not counted.
        gate = torch.sigmoid(self.gate(x))
        return (1 - gate) * carried + (gate * branch if self.exclusive else branch)


def make_joint(bypass: Bypass, features_in: int, features_out: int, stride: int) -> Joint:
    if bypass in ("gate_exclusive", "gate_shortcut"):
        return GatedJoint(features_in, features_out, stride, exclusive=bypass == "gate_exclusive")
    kinds: dict[str, type[Joint]] = {"scaled": ScaledJoint, "dropout": DropoutJoint, "none": BranchAlone}
    return kinds.get(bypass, Joint)()


def start_gates(modules: Iterable[nn.Module], gate_bias: float) -> None:
    """Set b_g of every gate, after the initializer: far below 0 the shortcut begins near the identity."""
    for module in modules:
        if isinstance(module, GatedJoint) and module.gate.bias is not None:
            nn.init.constant_(module.gate.bias, gate_bias)
