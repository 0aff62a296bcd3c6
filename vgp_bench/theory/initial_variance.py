"""Which variance of weights and biases an initializer's config means, in square fully connected layers."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vgp_bench.theory.mean_field import Activation, normal_mean


class Variances(NamedTuple):
    """weight: fan_in * Var W, 2 for He; bias: Var b. Both as in theory.chi_1."""

    weight: float
    bias: float


class NoClosedForm(Exception):  # noqa: N818  an answer, not an error
    """The config is one that theory has no closed form for; the message says which part of it."""


def variances(initializer: Mapping[str, Any], width: int, activation: Activation) -> Variances:
    """Variances of layers of width units that read as many, for an initializer's resolved config.

    activation: of the network, for gain=activation. Raises NoClosedForm.
    """
    name = str(initializer.get("_target_")).rpartition(".")[2]
    if str(initializer.get("_target_")) not in _KNOWN:
        raise NoClosedForm(f"initializer {name}")
    if initializer.get("bias_mean", 0) != 0:
        raise NoClosedForm("biases that are not 0 in the mean")
    weight = _KNOWN[str(initializer["_target_"])](initializer, width, activation)
    if weight == 0:
        raise NoClosedForm("weights of variance 0")
    return Variances(weight, _bias(initializer, width))


def _bias(initializer: Mapping[str, Any], width: int) -> float:
    if initializer["_target_"] == _PYTORCH:
        return 1 / (3 * width)
    return float(initializer.get("sigma_b2", initializer.get("bias_std", 0) ** 2))


def _scaled(initializer: Mapping[str, Any], width: int, activation: Activation) -> float:
    # fan_in, fan_out and their average are one number in a square layer.
    gain = initializer["gain"]
    if gain == "activation":
        return 1 / normal_mean(lambda z: activation.phi(z) ** 2, 1.0)
    return float(gain) ** 2


def _default(initializer: Mapping[str, Any], width: int, activation: Activation) -> float:
    return 1 / 3  # uniform within +-1 / sqrt(fan_in)


def _uniform(initializer: Mapping[str, Any], width: int, activation: Activation) -> float:
    low, high = float(initializer["low"]), float(initializer["high"])
    _centred(low + high)
    return width * (high - low) ** 2 / 12


def _normal(initializer: Mapping[str, Any], width: int, activation: Activation) -> float:
    _centred(float(initializer["mean"]))
    return width * float(initializer["std"]) ** 2


def _mean_field(initializer: Mapping[str, Any], width: int, activation: Activation) -> float:
    return float(initializer["sigma_w2"])


def _centred(mean: float) -> None:
    if not math.isclose(mean, 0, abs_tol=1e-12):
        raise NoClosedForm("weights that are not 0 in the mean")


_PYTORCH = "vgp_bench.components.initializers.PytorchDefault"

_KNOWN: dict[str, Callable[[Mapping[str, Any], int, Activation], float]] = {
    _PYTORCH: _default,
    "vgp_bench.components.initializers.VarianceScaling": _scaled,
    "vgp_bench.components.initializers.UniformWeights": _uniform,
    "vgp_bench.components.initializers.NormalWeights": _normal,
    "vgp_bench.components.initializers.MeanField": _mean_field,
    # An orthogonal matrix times gain has entries of variance gain^2 / n; the factor is that of Gaussian weights
    # (Pennington et al. 2017: at infinite width the map of the variance and chi are the same for both).
    "vgp_bench.components.initializers_isometric.Orthogonal": _scaled,
}
