"""What mean-field theory says about a fully connected net at initialization, width -> infinity.

Poole et al. 2016 (Exponential expressivity in deep neural networks through transient chaos) for the map of the
variance, Schoenholz et al. 2017 (Deep information propagation) for chi_1 and what it does to gradients.
A layer is z = W phi(z_below) + b, Var W_ij = weight_variance / fan_in, Var b_i = bias_variance.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


class Activation(NamedTuple):
    """An activation function phi and its derivative, both elementwise on arrays."""

    phi: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


def _logistic(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))  # 1 / (1 + exp(-x)) without overflow


def _normal_distribution(x: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _elu(scale: float, alpha: float) -> Activation:
    # minimum keeps exp away from the large positive values that np.where throws away afterwards.
    return Activation(
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        lambda x: scale * np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
    )


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda x: x, np.ones_like),
    "sigmoid": Activation(_logistic, lambda x: _logistic(x) * _logistic(-x)),
    "tanh": Activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "softsign": Activation(lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2.0),
    "relu": Activation(lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "elu": _elu(1.0, 1.0),
    # Klambauer et al. 2017, eq. 14: the constants that make (mean 0, variance 1) a fixed point.
    "selu": _elu(1.0507009873554805, 1.6732632423543772),
    "gelu": Activation(
        lambda x: x * _normal_distribution(x),
        lambda x: _normal_distribution(x) + x * np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi),
    ),
    "silu": Activation(lambda x: x * _logistic(x), lambda x: _logistic(x) * (1 + x * _logistic(-x))),
}
"""Activations by the name of their config."""


def _normal_rule() -> tuple[Array, Array]:
    # Gauss-Legendre on either side of 0, as far as 12 standard deviations: the kink of the ReLU family lies
    # at 0, where Gauss-Hermite, made for smooth functions, converges too slowly for three digits.
    nodes, weights = np.polynomial.legendre.leggauss(200)
    z = 6 * (nodes + 1)
    w = 6 * weights * np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return np.concatenate([-z, z]), np.concatenate([w, w])


_Z, _WEIGHTS = _normal_rule()

_SMALLEST, _LARGEST = 1e-10, 1e10
"""Range of variances q; a q that falls or grows beyond it is taken for its limit 0 or infinity."""


def normal_mean(function: Callable[[Array], Array], variance: float) -> float:
    """E[function(x)] for x normal with mean 0 and this variance, by quadrature (kinks at 0 are allowed)."""
    return float(_WEIGHTS @ function(math.sqrt(variance) * _Z))


def variance_map(activation: Activation, q: float, weight_variance: float, bias_variance: float) -> float:
    """Variance of the pre-activations one layer further up (Poole et al. 2016, eq. 3)."""
    return weight_variance * normal_mean(lambda x: activation.phi(x) ** 2, q) + bias_variance


def fixed_point(
    activation: Activation, weight_variance: float, bias_variance: float = 0.0, start: float = 1.0
) -> float:
    """q*: where the variance of the pre-activations settles with depth, from `start` on; 0 or inf if nowhere.

    The map rises with q, so the variance moves one way and stops at the first fixed point it meets. This is
    bracketed and bisected rather than iterated: at critical points (tanh at 1, 0) an iteration needs ages.
    """

    def drift(q: float) -> float:
        change = variance_map(activation, q, weight_variance, bias_variance) / q - 1
        return 0.0 if abs(change) < 1e-12 else change  # ReLU at 2: every q is a fixed point, up to rounding

    direction = math.copysign(1.0, drift(start)) if drift(start) else 0.0
    if not direction:
        return start
    near, step = start, 2.0**direction
    while drift(near * step) * direction > 0:
        near *= step
        if not _SMALLEST < near < _LARGEST:
            return math.inf if direction > 0 else 0.0
    far = near * step
    while abs(far / near - 1) > 1e-13:
        middle = math.sqrt(near * far)
        if drift(middle) * direction > 0:
            near = middle
        else:
            far = middle
    return far


def chi_1(activation: Activation, weight_variance: float, bias_variance: float = 0.0) -> float:
    """chi_1 = weight_variance E[phi'(x)^2] at q*: factor on ||dL/dz||^2 per layer down.

    weight_variance: fan_in * Var(W), 2 for He, 1 for LeCun (and Xavier in square layers), 1/3 for PyTorch's
    default; bias_variance: Var(b), 1 / (3 fan_in) for PyTorch's default. Schoenholz et al. 2017, eq. 5.
    """
    q = min(max(fixed_point(activation, weight_variance, bias_variance), _SMALLEST), _LARGEST)
    return weight_variance * normal_mean(lambda x: activation.derivative(x) ** 2, q)


def per_layer_factor(activation: Activation, weight_variance: float, bias_variance: float = 0.0) -> float:
    """sqrt(chi_1): factor on ||dL/dh_l||_2 per layer down; below 1 it vanishes, above 1 it explodes."""
    return math.sqrt(chi_1(activation, weight_variance, bias_variance))
