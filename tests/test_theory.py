"""Closed forms against figures published or worked out by hand."""

import math

import numpy as np
import pytest

from vgp_bench.theory.mean_field import ACTIVATIONS, chi_1, fixed_point, normal_mean, per_layer_factor, variance_map

PYTORCH_DEFAULT = (1 / 3, 1 / 300)  # Var W = 1 / (3 fan_in), Var b = 1 / (3 fan_in) at fan_in 100
XAVIER, HE = (1.0, 0.0), (2.0, 0.0)


@pytest.mark.parametrize(
    ("activation", "variances", "factor", "digits"),
    [
        ("sigmoid", PYTORCH_DEFAULT, 0.1413, 4),
        ("sigmoid", XAVIER, 0.2361, 4),
        ("sigmoid", HE, 0.3178, 4),
        ("tanh", PYTORCH_DEFAULT, 0.5745, 4),
        ("tanh", XAVIER, 1.0, 6),
        ("tanh", HE, 1.051, 3),
        ("relu", PYTORCH_DEFAULT, 0.4082, 4),
        ("relu", XAVIER, 0.7071, 4),
        ("relu", HE, 1.0, 10),
        ("gelu", PYTORCH_DEFAULT, 0.290, 3),
        ("gelu", XAVIER, 0.5, 4),
        ("gelu", HE, 0.707, 3),
        ("silu", PYTORCH_DEFAULT, 0.289, 3),
        ("silu", XAVIER, 0.5, 4),
        ("elu", PYTORCH_DEFAULT, 0.562, 3),
        ("selu", XAVIER, 1.035, 3),
        ("selu", HE, 1.051, 3),
        ("softsign", PYTORCH_DEFAULT, 0.523, 3),
        ("softsign", HE, 1.021, 3),
    ],
)
def test_per_layer_factor_at_common_initializations(activation, variances, factor, digits):
    assert per_layer_factor(ACTIVATIONS[activation], *variances) == pytest.approx(factor, abs=0.51 * 10**-digits)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_the_derivatives(name):
    phi, derivative = ACTIVATIONS[name]
    x = np.array([-30.0, -3.0, -0.7, -0.1, 0.1, 0.7, 3.0, 30.0])  # not 0, where some have a kink
    numeric = (phi(x + 1e-6) - phi(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(derivative(x), numeric, atol=1e-8)


def test_normal_mean_knows_the_moments_of_the_normal_distribution():
    assert normal_mean(np.ones_like, 7.0) == pytest.approx(1, rel=1e-12)
    assert normal_mean(lambda x: x**2, 7.0) == pytest.approx(7, rel=1e-12)
    assert normal_mean(lambda x: x**4, 2.0) == pytest.approx(3 * 2**2, rel=1e-12)
    assert normal_mean(lambda x: (x > 0) * x, 1.0) == pytest.approx(1 / math.sqrt(2 * math.pi), rel=1e-12)


def test_fixed_points_known_by_algebra():
    relu, linear, tanh = ACTIVATIONS["relu"], ACTIVATIONS["linear"], ACTIVATIONS["tanh"]
    assert fixed_point(linear, 0.5, 1.0) == pytest.approx(2)  # q = q/2 + 1
    assert fixed_point(relu, 1.0, 3.0) == pytest.approx(6)  # q = q/2 + 3
    assert fixed_point(relu, 2.0) == 1.0  # every q is one: stay at the start
    assert fixed_point(relu, 2.5) == math.inf
    assert fixed_point(relu, 1.5) == 0
    assert fixed_point(tanh, 1.0) == 0  # critical: reached algebraically
    q = fixed_point(tanh, 1.05, 2.01e-5)
    assert variance_map(tanh, q, 1.05, 2.01e-5) == pytest.approx(q, rel=1e-9)


def test_selu_keeps_unit_variance():
    assert fixed_point(ACTIVATIONS["selu"], 1.0) == pytest.approx(1.0, abs=1e-6)


def test_chi_1_is_the_square_of_the_factor():
    sigmoid = ACTIVATIONS["sigmoid"]
    assert chi_1(sigmoid, 2.0, 0.1) == pytest.approx(per_layer_factor(sigmoid, 2.0, 0.1) ** 2)


def test_gradients_of_a_wide_random_net_fall_as_predicted():
    """An MLP in numpy, backward pass by hand: the factor measured is the factor predicted."""
    rng = np.random.default_rng(0)
    n, depth, batch = 400, 15, 16
    for name, variance in (("sigmoid", 1.0), ("relu", 1.0), ("tanh", 2.0)):
        phi, derivative = ACTIVATIONS[name]
        weights = [rng.normal(0, math.sqrt(variance / n), (n, n)) for _ in range(depth)]
        h, inputs = rng.normal(0, 1, (batch, n)), []
        for W in weights:
            inputs.append(h @ W.T)
            h = phi(inputs[-1])
        gradient, norms = rng.normal(0, 1, h.shape), []
        for W, z in zip(weights[::-1], inputs[::-1], strict=True):
            gradient = (gradient * derivative(z)) @ W
            norms.append(np.linalg.norm(gradient))
        measured = (norms[-4] / norms[3]) ** (1 / (len(norms) - 7))
        assert measured == pytest.approx(per_layer_factor(ACTIVATIONS[name], variance), rel=0.03), name
