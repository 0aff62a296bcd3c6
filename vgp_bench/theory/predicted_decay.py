"""The decay per layer that theory predicts for a config at initialization, where it has a closed form.

Plain nets: sqrt(chi_1) (Schoenholz et al. 2017), at infinite width and at the depth where the variance has settled.
Residual nets h = x + a W phi(x), without normalizer: ||dL/dx||^2 = (1 + a^2 chi) ||dL/dh||^2 with
chi = weight_variance E[phi'^2], which no depth changes where phi' depends on the sign of x only: ReLU, chi =
weight_variance / 2, and the identity. He's ReLU: sqrt(2) a block.
"""

import math
from collections.abc import Mapping
from typing import Any

from vgp_bench.theory.initial_variance import NoClosedForm, variances
from vgp_bench.theory.mean_field import ACTIVATIONS, per_layer_factor

_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "torch.nn.Identity": ("linear", {}),
    "torch.nn.Sigmoid": ("sigmoid", {}),
    "torch.nn.Tanh": ("tanh", {}),
    "torch.nn.Softsign": ("softsign", {}),
    "torch.nn.ReLU": ("relu", {}),
    "torch.nn.ELU": ("elu", {"alpha": 1.0}),
    "torch.nn.SELU": ("selu", {}),
    "torch.nn.GELU": ("gelu", {"approximate": "none"}),
    "torch.nn.SiLU": ("silu", {}),
}
"""Class -> name in theory.ACTIVATIONS, and the arguments it is for."""

_SLOPES = {"linear": 1.0, "relu": 0.5}
"""E[phi'^2] of the activations for which it is the same at every variance."""

_MLP = "vgp_bench.architectures.mlp.MLP"
_RESIDUAL = "vgp_bench.architectures.residual_mlp.ResidualMLP"


def predicted_decay(config: Mapping[str, Any]) -> float:
    """Factor on ||dL/dh_l||_2 per weight layer going down, for a run's resolved config, as Summary measures it.

    Raises NoClosedForm, with the part of the config that has none.
    """
    rule = (config.get("learning_rule") or {}).get("_target_", "Backprop")
    if _class_name(rule) != "Backprop":
        raise NoClosedForm(f"learning rule {_class_name(rule)}")
    architecture = config.get("architecture") or {}
    target = architecture.get("_target_")
    if target not in (_MLP, _RESIDUAL):
        raise NoClosedForm(f"architecture {_class_name(target)}")
    normalizer = config.get("normalizer") or {}
    if _class_name(normalizer.get("_target_", "NoNormalizer")) != "NoNormalizer":
        raise NoClosedForm(f"normalizer {_class_name(normalizer['_target_'])}")
    if normalizer.get("weight_standardization"):
        raise NoClosedForm("weight standardization")
    name = _activation(config.get("activation") or {})
    initial = variances(config.get("initializer") or {}, int(architecture["width"]), ACTIVATIONS[name])
    if target == _MLP:
        return per_layer_factor(ACTIVATIONS[name], *initial)
    return math.sqrt(1 + _branch_scale(architecture) ** 2 * initial.weight * _slope(name))


def _activation(activation: Mapping[str, Any]) -> str:
    target = activation.get("_target_")
    if target not in _ACTIVATIONS:
        raise NoClosedForm(f"activation {_class_name(target)}")
    name, arguments = _ACTIVATIONS[target]
    for key, value in arguments.items():
        if activation.get(key, value) != value:
            raise NoClosedForm(f"activation {name} with {key}={activation[key]}")
    return name


def _slope(name: str) -> float:
    if name not in _SLOPES:
        raise NoClosedForm(f"residual net with activation {name}: no depth where its variance settles")
    return _SLOPES[name]


def _branch_scale(architecture: Mapping[str, Any]) -> float:
    """What F is multiplied with at the start; its weights, too, if they start at 0."""
    if architecture["order"] != "preactivation":
        raise NoClosedForm(f"residual net with order={architecture['order']}")
    residual, blocks = architecture["residual"], int(architecture["depth"]) - 1
    if residual == "depth_scaled":
        return 1 / math.sqrt(max(blocks, 1))
    scales = {"plain": 1.0, "zero_init": 0.0, "rezero": 0.0, "skipinit": 0.0}
    if residual not in scales:  # fixup: its classifier starts at 0, and with it every gradient
        raise NoClosedForm(f"residual net with residual={residual}")
    return scales[residual]


def _class_name(target: Any) -> str:
    return str(target).rpartition(".")[2]
