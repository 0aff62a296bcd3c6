"""Residual blocks h = x + F(x), for dense and convolutional layers, and the ways to begin with a small F.

F is the branch, a chain of weight layers with their activations and normalizers. `residual` is one of

- plain: nothing special (He et al. 2015, 2016).
- zero_init: what ends the branch starts at 0: the gain of its last normalizer, or its last weight if the branch
  does not end in a normalizer (Goyal et al. 2017, section 5.1). In preactivation order the last normalizer sits
  before an activation; a gain of 0 there would hold ReLU at z = 0, where its derivative is 0, for ever.
- rezero: F times a learnable scalar that starts at 0 (Bachlechner et al. 2020).
- skipinit: the same scalar in place of normalization (De & Smith 2020); without a normalizer only.
- fixup: last weight of each branch and classifier 0, the other weights of a branch of m layers times
  L^(-1 / (2m - 2)) with L branches, a learnable scalar multiplier (1) at the end of each branch, a learnable
  scalar bias (0) before each weight layer and activation (Zhang et al. 2019, section 3); without a normalizer only.
- depth_scaled: F times the constant 1 / sqrt(number of blocks).

How x and F are joined is the `bypass`, see bypasses.

drop_path: block l of L loses its branch, a sample at a time, with probability l / L * drop_path while training
(stochastic depth, Huang et al. 2016, equation 4).
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from vgp_bench.architectures.bypasses import Bypass, Joint, check_bypass, make_joint, start_gates
from vgp_bench.architectures.dropout import stochastic_depth
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.sizes import check_rates
from vgp_bench.components.activations import is_activation
from vgp_bench.errors import ConfigError

Residual = Literal["plain", "zero_init", "rezero", "skipinit", "fixup", "depth_scaled"]
Order = Literal["original", "preactivation", "norm_after_addition"]
Affine = nn.Linear | nn.Conv2d


def check_residual(residual: Residual, order: Order, parts: Parts) -> None:
    """Raise ConfigError for pairs that exclude each other."""
    normalizer = parts.normalizer
    if residual in ("skipinit", "fixup") and normalizer.normalizes:
        raise ConfigError(
            f"architecture.residual={residual} takes the place of normalization: set normalizer=none, "
            "or architecture.residual=rezero"
        )
    if order == "norm_after_addition" and not (normalizer.normalizes and normalizer.placement == "before"):
        raise ConfigError(
            "architecture.order=norm_after_addition moves the normalizer before the activation: set normalizer=batch "
            "with normalizer.placement=before, or architecture.order=original"
        )
    if not normalizer.weight_standardization:
        return
    ends_in_normalizer = normalizer.normalizes and normalizer.placement == "before" and order == "original"
    if residual == "fixup" or (residual == "zero_init" and not ends_in_normalizer):
        raise ConfigError(
            f"architecture.residual={residual} sets weights to 0, which "
            "normalizer.weight_standardization=true divides by their deviation: "
            "set it to false, or architecture.residual=rezero"
        )


class LearnableScale(nn.Module):
    """x * scale with one learnable scale."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class FixedScale(nn.Module):
    """x * scale with a constant scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class ScalarBias(nn.Module):
    """x + bias with one learnable bias, 0 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


class OriginalBlock(nn.Module):
    """h = phi(shortcut(x) + F(x)) (He et al. 2015); the nonlinearity is phi(norm(.)) in order norm_after_addition."""

    def __init__(self, branch: nn.Sequential, shortcut: nn.Module, joint: Joint, nonlinearity: nn.Sequential) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.joint = joint
        self.nonlinearity = nonlinearity

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.nonlinearity(self.joint(x, self.shortcut(x), self.branch(x)))
        return h


class PreactivationBlock(nn.Module):
    """h = x + F(a), or projection(a) + F(a) where the shape changes, a = phi(norm(x)) (He et al. 2016)."""

    def __init__(
        self,
        nonlinearity: nn.Sequential,
        branch: nn.Sequential,
        shortcut: nn.Module,
        joint: Joint,
        projects: bool,
    ) -> None:
        super().__init__()
        self.nonlinearity = nonlinearity
        self.branch = branch
        self.shortcut = shortcut
        self.joint = joint
        self.projects = projects

    def forward(self, x: Tensor) -> Tensor:
        activated = self.nonlinearity(x)
        h: Tensor = self.joint(x, self.shortcut(activated if self.projects else x), self.branch(activated))
        return h


Block = OriginalBlock | PreactivationBlock


class ResidualBuilder:
    """Builds the blocks of one network, from input to output; they share order, residual, drop_path and number, and
    the bypass with the bias its gates start with."""

    def __init__(
        self,
        parts: Parts,
        order: Order,
        residual: Residual,
        blocks: int,
        drop_path: float = 0.0,
        bypass: Bypass = "identity",
        gate_bias: float = -6.0,
    ) -> None:
        if order not in get_args(Order):
            raise ConfigError(f"architecture.order={order}: use one of {', '.join(get_args(Order))}")
        if residual not in get_args(Residual):
            raise ConfigError(f"architecture.residual={residual}: use one of {', '.join(get_args(Residual))}")
        check_residual(residual, order, parts)
        check_bypass(bypass, residual)
        check_rates(drop_path=drop_path)
        self.parts = parts
        self.order = order
        self.residual = residual
        self.blocks = blocks
        self.bypass = bypass
        self._gate_bias = gate_bias
        self._drop_path = drop_path
        self._built = 0

    @property
    def bias(self) -> bool:
        """Whether weight layers may have biases of their own: Fixup has scalar ones instead."""
        return self.residual != "fixup"

    def chain(self, modules: Iterable[nn.Module]) -> nn.Sequential:
        """The modules one after the other; with Fixup each weight layer and activation after a scalar bias."""
        if self.residual != "fixup":
            return nn.Sequential(*modules)
        biased: list[nn.Module] = []
        for module in modules:
            if isinstance(module, Affine) or is_activation(module):
                biased.append(ScalarBias())
            biased.append(module)
        return nn.Sequential(*biased)

    def block(
        self,
        affines: Sequence[Affine],
        shortcut: nn.Module | None = None,
        projection: Affine | None = None,
    ) -> Block:
        """A block with the weight layers affines, past which lead a parameter-free shortcut (None: the identity)
        or a projection.
        """
        parts, spatial = self.parts, affines[0].weight.ndim == 4
        features_in, features_out = affines[0].weight.shape[1], affines[-1].weight.shape[0]
        branch: list[nn.Module] = [affines[0]]
        for affine in affines[1:]:
            branch += [*parts.nonlinearity(affine.weight.shape[1], spatial), affine]
        carry = nn.Identity() if shortcut is None else shortcut
        stride = affines[0].stride[0] if isinstance(affines[0], nn.Conv2d) else 1
        joint = make_joint(self.bypass, features_in, features_out, stride)
        if self.order == "preactivation":
            return PreactivationBlock(
                self.chain(parts.nonlinearity(features_in, spatial)),
                self._scaled(branch),
                carry if projection is None else self.chain([projection]),
                joint,
                projects=projection is not None,
            )
        if self.order == "norm_after_addition":
            carry = carry if projection is None else self.chain([projection])
            after = self.chain(parts.nonlinearity(features_out, spatial))
            return OriginalBlock(self._scaled(branch), carry, joint, after)
        branch += parts.normalize_before(features_out, spatial)
        if projection is not None:
            carry = self.chain([projection, *parts.normalize_before(features_out, spatial)])
        return OriginalBlock(
            self._scaled(branch),
            carry,
            joint,
            self.chain([*parts.activate(), *parts.normalize_after(features_out, spatial)]),
        )

    def _scaled(self, branch: list[nn.Module]) -> nn.Sequential:
        chain = self.chain(branch)
        if self.residual in ("rezero", "skipinit"):
            chain.append(LearnableScale(0.0))
        elif self.residual == "fixup":
            chain.append(LearnableScale(1.0))
        elif self.residual == "depth_scaled":
            chain.append(FixedScale(1 / math.sqrt(self.blocks)))
        self._built += 1
        return chain.extend(stochastic_depth(self._drop_path * self._built / self.blocks))

    def finish_initialization(self, blocks: Iterable[nn.Module], output: nn.Sequential) -> None:
        """Set to 0, or scale down, what `residual` prescribes; once, after the initializer.

        output: the stage that ends in the classifier.
        """
        start_gates((block.joint for block in blocks if isinstance(block, Block)), self._gate_bias)
        with torch.no_grad():
            if self.residual == "zero_init":
                for branch in _branches(blocks):
                    _zero_end(branch)
            elif self.residual == "fixup":
                for branch in _branches(blocks):
                    _fixup(branch, self.blocks)
                _zero(output[-1])


def _branches(blocks: Iterable[nn.Module]) -> list[nn.Sequential]:
    return [block.branch for block in blocks if isinstance(block, Block)]


def _zero(module: nn.Module) -> None:
    for parameter in module.parameters():
        parameter.zero_()


def _zero_end(branch: nn.Sequential) -> None:
    end = [module for module in branch if list(module.parameters())][-1]  # stochastic depth may follow
    if isinstance(end, Affine):
        _zero(end)
    else:
        end.get_parameter("weight").zero_()


def _fixup(branch: nn.Sequential, branches: int) -> None:
    affines = [module for module in branch if isinstance(module, Affine)]
    for affine in affines[:-1]:
        affine.weight *= branches ** (-1 / (2 * len(affines) - 2))
    _zero(affines[-1])
