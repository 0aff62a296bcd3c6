"""Config -> prediction: the table of closed forms, refusals, and networks that are really initialized."""

import math

import pytest
from torch.nn import functional as F

from tests.composing import compose
from vgp_bench.building import build
from vgp_bench.records.signal import decay_per_layer
from vgp_bench.theory.initial_variance import NoClosedForm, variances
from vgp_bench.theory.mean_field import ACTIVATIONS
from vgp_bench.theory.predicted_decay import predicted_decay

RELU, SIGMOID = ACTIVATIONS["relu"], ACTIVATIONS["sigmoid"]

# Per-layer factor at infinite width: closed forms after Schoenholz et al. 2017, with Var b = 1/300 for torch's default.
TABLE = {
    ("sigmoid", "pytorch_default"): 0.1413,
    ("sigmoid", "xavier_normal"): 0.2361,
    ("sigmoid", "he_normal"): 0.3178,
    ("tanh", "pytorch_default"): 0.5745,
    ("tanh", "xavier_uniform"): 1.0,
    ("tanh", "he_normal"): 1.051,
    ("relu", "pytorch_default"): 0.4082,
    ("relu", "xavier_normal"): 0.7071,
    ("relu", "he_uniform"): 1.0,
    ("gelu", "pytorch_default"): 0.290,
    ("gelu", "lecun_uniform"): 0.5,
    ("silu", "pytorch_default"): 0.289,
    ("silu", "he_normal"): 0.707,
    ("elu", "pytorch_default"): 0.562,
    ("elu", "he_normal"): 1.0,  # the limit of infinite depth, where q is infinite; 1.011 some ten layers down
    ("selu", "pytorch_default"): 0.794,
    ("selu", "lecun_normal"): 1.035,
    ("softsign", "pytorch_default"): 0.523,
    ("softsign", "he_normal"): 1.021,
    ("identity", "lecun_normal"): 1.0,
}


def config(*words, width=100, depth=20):
    return compose(f"architecture.width={width}", f"architecture.depth={depth}", *words).config


@pytest.mark.parametrize(("activation", "initializer"), TABLE)
def test_predictions_are_the_table_of_closed_forms(activation, initializer):
    predicted = predicted_decay(config(f"activation={activation}", f"initializer={initializer}"))
    assert predicted == pytest.approx(TABLE[activation, initializer], abs=0.00051)


def test_variances_by_hand():
    package = "vgp_bench.components.initializers"
    scaling = {"_target_": f"{package}.VarianceScaling", "gain": 1.5, "bias_mean": 0.0, "bias_std": 0.5}
    assert variances(scaling, 7, RELU) == (2.25, 0.25)
    assert variances(scaling | {"gain": "activation"}, 7, RELU).weight == pytest.approx(2.0)  # He et al. 2015, eq. 10
    assert variances({"_target_": f"{package}.PytorchDefault"}, 100, RELU) == pytest.approx((1 / 3, 1 / 300))
    uniform = {"_target_": f"{package}.UniformWeights", "low": -0.6, "high": 0.6, "bias_mean": 0.0, "bias_std": 0.0}
    assert variances(uniform, 100, RELU) == pytest.approx((100 * 0.36 / 3, 0.0))
    normal = {"_target_": f"{package}.NormalWeights", "mean": 0.0, "std": 0.2, "bias_mean": 0.0, "bias_std": 0.1}
    assert variances(normal, 50, RELU) == pytest.approx((2.0, 0.01))
    assert variances({"_target_": f"{package}.MeanField", "sigma_w2": 1.7, "sigma_b2": 0.3}, 9, RELU) == (1.7, 0.3)
    orthogonal = {"_target_": f"{package}_isometric.Orthogonal", "gain": 3.0, "bias_mean": 0.0, "bias_std": 0.0}
    assert variances(orthogonal, 9, RELU) == (9.0, 0.0)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["activation=mish"], "activation Mish"),
        (["activation=leaky_relu"], "activation LeakyReLU"),
        (["activation=elu", "activation.alpha=0.5"], r"activation elu with alpha=0\.5"),
        (["activation=gelu", "activation.approximate=tanh"], "activation gelu with approximate=tanh"),
        (["normalizer=batch"], "normalizer"),
        (["normalizer=none", "normalizer.weight_standardization=true"], "weight standardization"),
        (["initializer=lsuv"], "initializer LSUV"),
        (["initializer=identity"], "initializer IdentityWeights"),
        (["initializer.bias_mean=0.1"], "biases that are not 0 in the mean"),
        (["initializer=uniform_001", "initializer.high=0.02"], "weights that are not 0 in the mean"),
        (["initializer=normal_01", "initializer.mean=0.1"], "weights that are not 0 in the mean"),
        (["initializer=normal_01", "initializer.std=0.0"], "weights of variance 0"),
        (["architecture=highway_mlp"], "architecture HighwayMLP"),
        (["architecture=residual_mlp", "activation=tanh"], "residual net with activation tanh"),
        (["architecture=residual_mlp", "architecture.order=original"], "order=original"),
        (["architecture=residual_mlp", "architecture.residual=fixup"], "residual=fixup"),
    ],
)
def test_what_has_no_closed_form_says_why(words, reason):
    with pytest.raises(NoClosedForm, match=reason):
        predicted_decay(config(*words))


@pytest.mark.parametrize(
    ("words", "factor"),
    [
        (["initializer=he_normal"], math.sqrt(2)),
        (["initializer=lecun_normal", "activation=identity"], math.sqrt(2)),
        (["initializer=xavier_normal"], math.sqrt(1.5)),
        (["architecture.residual=rezero"], 1.0),
        (["architecture.residual=skipinit"], 1.0),
        (["architecture.residual=zero_init"], 1.0),
        (["architecture.residual=depth_scaled"], math.sqrt(1 + 1 / 19)),
    ],
)
def test_residual_nets_grow_as_their_branch_allows(words, factor):
    """He et al. 2016: h = x + F(x). With F of the size of x, sqrt(2) a block; with a F, sqrt(1 + a^2)."""
    words = ["architecture=residual_mlp", *words]
    assert predicted_decay(config(*words)) == pytest.approx(factor)
    assert measured(*words) == pytest.approx(factor, rel=0.05)


def measured(*words):
    """The factor of a 20 x 256 net on digits, from its gradients at initialization."""
    loop = build({**config(*words, width=256), "device": "cpu"}, lambda row: None)
    hidden = [stage for stage in loop.model.stages() if stage.kind == "hidden"]
    outputs = []
    for stage in hidden:
        stage.module.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    images, labels = next(loop.batches.epoch(0))
    loss = F.cross_entropy(loop.model(images), labels)
    for output in outputs:
        output.retain_grad()
    loss.backward()
    return decay_per_layer(
        [stage.depth for stage in hidden], [output.grad.double().norm().item() for output in outputs]
    ).rho


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        ("relu", ["he_normal"]),
        ("relu", ["he_uniform", "initializer.bias_std=0.1"]),
        ("relu", ["he_normal", "initializer.gain=activation"]),
        ("relu", ["he_normal", "initializer.fan=out"]),
        ("sigmoid", ["xavier_normal"]),
        ("sigmoid", ["xavier_uniform", "initializer.bias_std=1.0"]),
        ("selu", ["lecun_normal"]),
        ("sigmoid", ["lecun_uniform"]),
        ("relu", ["pytorch_default"]),
        ("sigmoid", ["pytorch_default"]),
        ("sigmoid", ["normal_01", "initializer.std=0.1"]),
        ("relu", ["uniform_001", "initializer.low=-0.05", "initializer.high=0.05"]),
        ("tanh", ["mean_field", "initializer.sigma_w2=1.5", "initializer.sigma_b2=0.3"]),
        ("sigmoid", ["orthogonal"]),
        ("relu", ["orthogonal", "initializer.gain=1.4142135623730951"]),
    ],
)
def test_really_initialized_networks_agree(activation, initializer):
    words = [f"activation={activation}", f"initializer={initializer[0]}", *initializer[1:]]
    factors = [measured(*words, f"seed={seed}") for seed in range(3)]
    mean = math.exp(sum(map(math.log, factors)) / len(factors))
    assert mean == pytest.approx(predicted_decay(config(*words, width=256)), rel=0.05)
