"""Statistics of layers at initialization, and the measurement they are read off, against autograd and by hand."""

import numpy as np
import pytest
import torch

from vgp_bench.claims.evidence import Observed
from vgp_bench.claims.layers import at_start, factor_per_layer, first_to_last, mean_from
from vgp_bench.claims.measurements import hidden_layers
from vgp_bench.claims.papers import tanh_decay
from vgp_bench.claims.untrained import untrained
from vgp_bench.composition import compose

DEPTH = 10


def _observed(**columns: list[float]) -> Observed:
    depth = [float(layer) for layer in range(1, DEPTH + 1)]
    return Observed("arm", {}, 0, measured={"hidden_layers": {"depth": depth, **columns}})


def test_the_measurement_is_what_autograd_says() -> None:
    net = ["dataset=digits", "architecture=mlp", "architecture.depth=3", "architecture.width=16", "activation=relu"]
    (composed,) = compose([*net, "initializer=he_normal", "trainer.max_steps=1", "trainer.batch_size=8"])
    found = hidden_layers.measure(composed)

    twin = untrained(composed)
    h, kept = twin.probe.inputs[:8].flatten(1), []
    linear = [module for module in twin.model.modules() if isinstance(module, torch.nn.Linear)]
    for layer in linear[:-1]:
        h = torch.relu(h @ layer.weight.T + layer.bias)
        kept.append(h)
    loss = torch.nn.functional.cross_entropy(h @ linear[-1].weight.T + linear[-1].bias, twin.probe.targets[:8])
    gradients = torch.autograd.grad(loss, [*kept, *(layer.weight for layer in linear[:-1])])
    norms = [float(gradient.norm()) for gradient in gradients]

    kept = [each.detach() for each in kept]
    assert found["depth"] == [1, 2, 3]
    assert found["activation_gradient_l2"] == pytest.approx(norms[:3], rel=1e-5)
    assert found["weight_gradient_l2"] == pytest.approx(norms[3:], rel=1e-5)
    assert found["activation_mean"] == pytest.approx([float(h.mean()) for h in kept], rel=1e-5)
    assert found["activation_std"] == pytest.approx([float(h.std(correction=0)) for h in kept], rel=1e-5)
    assert found["zero_fraction"] == pytest.approx([float((h == 0).float().mean()) for h in kept], rel=1e-5)


def test_a_gradient_that_halves_a_layer_has_factor_one_half() -> None:
    one = _observed(activation_gradient_l2=[2.0**layer for layer in range(DEPTH)])
    assert factor_per_layer()(one) == pytest.approx(0.5)
    assert first_to_last()(one) == pytest.approx(2.0**-9)


def test_the_mean_leaves_out_the_share_below() -> None:
    one = _observed(activation_mean=[100.0] * 5 + [1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean_from("activation_mean", 0.5)(one) == pytest.approx(3.0)


def test_without_run_and_measurement_there_is_nothing_to_read() -> None:
    with pytest.raises(LookupError):
        at_start(Observed("arm", {}, 0, missing="no run"), "activation_mean")


def test_a_factor_that_is_nearer_1_above_is_told_from_one_that_is_not() -> None:
    constant = [0.9 ** (DEPTH - layer) for layer in range(DEPTH)]
    assert tanh_decay.gain_above(_observed(activation_gradient_l2=constant)) == pytest.approx(0, abs=1e-12)
    # Layers 4 to 9 are looked at: x 1/2 a layer up to layer 7, none above.
    bent = [2.0 ** min(layer, 6) for layer in range(DEPTH)]
    assert tanh_decay.gain_above(_observed(activation_gradient_l2=bent)) == pytest.approx(0.5)


def test_the_predicted_tanh_gradient_settles_at_its_closed_form() -> None:
    default = tanh_decay.predicted("pytorch_default", 20)
    assert default[10] / default[11] == pytest.approx(0.5762, abs=2e-3)
    assert default[-1] == 1
    xavier = tanh_decay.predicted("xavier", 300)
    # chi_l = 1 - 1/l in the square, hence 1 - 1/2l.
    assert 1 - xavier[-2] / xavier[-1] == pytest.approx(1 / 600, rel=0.1)
    assert np.all(np.diff(xavier) > 0)
