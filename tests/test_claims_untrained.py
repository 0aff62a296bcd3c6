"""Measurements at initialization that claims rest on, each against something slow and obvious."""

import itertools
import math

import pytest
import torch

from vgp_bench.claims.measurements import births, gradient_on_line, hidden_jacobian, path_gradients
from vgp_bench.claims.papers.isometry import newman
from vgp_bench.claims.papers.shattered_gradients import predicted_correlation
from vgp_bench.claims.power_law import exponents
from vgp_bench.claims.untrained import untrained
from vgp_bench.composition import compose


def composed(words: str):
    return compose(["dataset=digits", *words.split()])[0]


def test_the_gradients_of_all_paths_add_up_to_the_gradient():
    net = untrained(composed("architecture=resnet_preact architecture.depth=20 architecture.width=4 normalizer=batch"))
    net.model.double()
    net = net._replace(probe=type(net.probe)(net.probe.inputs.double(), net.probe.targets, net.probe.objective))
    gradient, places = path_gradients._places(net)
    lengths = range(len(places) + 1)
    paths = [set(path) for length in lengths for path in itertools.combinations(range(len(places)), length)]
    summed = sum(path_gradients._along(path, gradient, places) for path in paths)
    inputs, targets = (part[: path_gradients.INPUTS] for part in (net.probe.inputs, net.probe.targets))
    h = net.model.stages()[0].module(inputs).detach().requires_grad_(True)
    out = h
    for stage in net.model.stages()[1:]:
        out = stage.module(out)
    (whole,) = torch.autograd.grad(net.probe.objective.loss(out, targets), h)
    assert len(paths) == 2**9
    assert torch.allclose(summed, whole, rtol=1e-9, atol=1e-14)


def test_a_network_of_negative_weights_is_dead_for_every_input():
    births_of = births.measure(
        composed("architecture=mlp architecture.depth=2 architecture.width=3 initializer=he_normal")
    )
    assert births_of["dead_for_one"][0] == pytest.approx(1 / 8, abs=4 * math.sqrt(7 / 64 / births.NETWORKS))
    assert births_of["dead_for_one"][0] <= births_of["dead_for_one"][1]
    for one, every in zip(births_of["dead_for_one"], births_of["dead_for_all"], strict=True):
        assert every <= one
    negative = "architecture=mlp architecture.depth=2 initializer=uniform_001 initializer.low=-2 initializer.high=-1"
    negative += " initializer.bias_mean=-1000"
    assert births.measure(composed(negative))["dead_for_all"] == [1.0, 1.0]


def test_singular_values_are_those_of_the_product_of_the_weights():
    words = composed("architecture=mlp architecture.depth=3 architecture.width=64 activation=identity")
    product = torch.eye(64, dtype=torch.float64)
    for stage in untrained(words).model.stages()[:-1]:
        product = stage.weights()[0].detach().double() @ product
    assert hidden_jacobian.measure(words)["values"] == pytest.approx(torch.linalg.svdvals(product).tolist(), rel=1e-6)


def test_a_linear_network_has_the_same_gradient_everywhere():
    words = composed("architecture=mlp architecture.depth=3 activation=identity")
    assert gradient_on_line.measure(words)["correlation"] == pytest.approx([1.0] * (gradient_on_line.POINTS // 2 + 1))


def test_prediction_of_one_layer_is_the_mean_share_of_common_units():
    t = torch.linspace(-gradient_on_line.REACH, gradient_on_line.REACH, gradient_on_line.POINTS, dtype=torch.float64)
    angles = t[3:].atan() - t[:-3].atan()  # of u + t v with u and v orthogonal and equally long
    assert predicted_correlation(3, 1, False) == pytest.approx(float((1 - angles / math.pi).mean()))
    assert predicted_correlation(0, 20, True) == pytest.approx(1.0)


def test_lyapunov_exponents_of_gaussian_matrices():
    assert newman(64, 100)[0] == 1.0
    assert newman(64, 100)[15] == pytest.approx(1.24e-6, rel=0.01)


def test_exponent_of_a_power_law():
    found = exponents({6: {0: 6**-0.5, 1: 3.0}, 24: {0: 24**-0.5, 1: 3.0}, 48: {0: 48**-0.5, 1: math.nan}})
    assert found[0] == pytest.approx(-0.5)
    assert math.isnan(found[1])
