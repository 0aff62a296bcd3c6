"""Initializers that draw every weight independently: a distribution and its variance.

An initializer sets the weight and bias of every Linear and Conv module of a model; gains and shifts of
normalizers stay at 1 and 0, scalars of residual branches as the architecture made them. Randomness is torch's
global generator.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from vgp_bench.components.activations import ActivationFactory, gain
from vgp_bench.components.gates import GateLinear
from vgp_bench.errors import ConfigError

Affine = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


def affine_modules(model: nn.Module) -> Iterator[tuple[str, Affine]]:
    """(name, module) of every Linear and Conv module in order of registration."""
    for name, module in model.named_modules():
        if isinstance(module, Affine):
            yield name, module


def fans(weight: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (out, in, *kernel): summands of one output; outputs one input reaches."""
    receptive_field = math.prod(weight.shape[2:])
    return weight.shape[1] * receptive_field, weight.shape[0] * receptive_field


def matrices(module: Affine) -> tuple[Tensor, ...]:
    """Views of the module's weight: itself, or one matrix for each gate of a recurrent cell."""
    return module.weight.chunk(module.gates) if isinstance(module, GateLinear) else (module.weight,)


class Initializer(ABC):
    """Sets the weights and biases of a model in place."""

    @abstractmethod
    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        """activation: the model's, for gains. images: normalized batch (n, channels, height, width)."""


@dataclass(frozen=True, kw_only=True)
class WeightInitializer(Initializer):
    """Weights by the subclass; biases from Normal(bias_mean, bias_std^2), constant where bias_std is 0."""

    bias_mean: float = 0.0
    bias_std: float = 0.0

    def __post_init__(self) -> None:
        if self.bias_std < 0:
            raise ConfigError(f"initializer.bias_std={self.bias_std}: a standard deviation is 0 or more")

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        with torch.no_grad():
            for _, module in affine_modules(model):
                for matrix in matrices(module):
                    self.draw_weight(matrix)
                if module.bias is not None:
                    draw_normal(module.bias, self.bias_mean, self.bias_std)

    @abstractmethod
    def draw_weight(self, weight: Tensor) -> None:
        """Set weight (out, in, *kernel) in place."""


def draw_normal(tensor: Tensor, mean: float, std: float) -> None:
    """Fill with Normal(mean, std^2); a constant draws no random numbers."""
    if std == 0:
        tensor.fill_(mean)
    else:
        tensor.normal_(mean, std)


def draw_uniform(tensor: Tensor, std: float) -> None:
    """Fill with the uniform distribution of mean 0 and standard deviation std."""
    bound = math.sqrt(3) * std
    tensor.uniform_(-bound, bound)


@dataclass(frozen=True, kw_only=True)
class PytorchDefault(Initializer):
    """torch's own: weights and biases uniform within +-1/sqrt(fan_in), so Var W = 1/(3 fan_in). Not He's."""

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        for _, module in affine_modules(model):
            module.reset_parameters()


@dataclass(frozen=True, kw_only=True)
class UniformWeights(WeightInitializer):
    """W ~ Uniform(low, high) in every layer, whatever its size."""

    low: float = -0.01
    high: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low >= self.high:
            raise ConfigError(f"initializer.low={self.low}, initializer.high={self.high}: low must be less than high")

    def draw_weight(self, weight: Tensor) -> None:
        weight.uniform_(self.low, self.high)


@dataclass(frozen=True, kw_only=True)
class NormalWeights(WeightInitializer):
    """W ~ Normal(mean, std^2) in every layer, whatever its size."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.std < 0:
            raise ConfigError(f"initializer.std={self.std}: a standard deviation is 0 or more")

    def draw_weight(self, weight: Tensor) -> None:
        draw_normal(weight, self.mean, self.std)


@dataclass(frozen=True, kw_only=True)
class VarianceScaling(WeightInitializer):
    """Var W = gain^2 / fan.

    LeCun et al. 1998: fan in, gain 1. Glorot & Bengio 2010, equation 16: fan average, gain 1. He et al. 2015,
    equation 10: fan in, gain sqrt(2), derived for ReLU. gain: activation takes 1/sqrt(E[phi(z)^2]) instead.
    """

    distribution: Literal["normal", "uniform"] = "normal"
    fan: Literal["in", "out", "average"] = "in"
    gain: float | Literal["activation"] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distribution not in ("normal", "uniform"):
            raise ConfigError(f"initializer.distribution={self.distribution}: use normal or uniform")
        if self.fan not in ("in", "out", "average"):
            raise ConfigError(f"initializer.fan={self.fan}: use in, out or average")
        if self.gain != "activation" and (isinstance(self.gain, str) or self.gain < 0):
            raise ConfigError(f"initializer.gain={self.gain}: use a number of 0 or more, or activation")

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        if self.gain == "activation":
            replace(self, gain=gain(activation())).initialize(model, activation, images)
        else:
            super().initialize(model, activation, images)

    def draw_weight(self, weight: Tensor) -> None:
        std = float(self.gain) / math.sqrt(self._fan(weight))
        if self.distribution == "normal":
            weight.normal_(0.0, std)
        else:
            draw_uniform(weight, std)

    def _fan(self, weight: Tensor) -> float:
        fan_in, fan_out = fans(weight)
        return {"in": fan_in, "out": fan_out, "average": (fan_in + fan_out) / 2}[self.fan]


@dataclass(frozen=True, kw_only=True)
class MeanField(Initializer):
    """W ~ Normal(0, sigma_w2 / fan_in), b ~ Normal(0, sigma_b2): the plane of order and chaos.

    Poole et al. 2016; Schoenholz et al. 2017, equation 1. Layers without a bias take the weights only.
    """

    sigma_w2: float = 1.0
    sigma_b2: float = 0.0

    def __post_init__(self) -> None:
        for key, value in (("sigma_w2", self.sigma_w2), ("sigma_b2", self.sigma_b2)):
            if value < 0:
                raise ConfigError(f"initializer.{key}={value}: a variance is 0 or more")

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        with torch.no_grad():
            for _, module in affine_modules(model):
                draw_normal(module.weight, 0.0, math.sqrt(self.sigma_w2 / fans(module.weight)[0]))
                if module.bias is not None:
                    draw_normal(module.bias, 0.0, math.sqrt(self.sigma_b2))
