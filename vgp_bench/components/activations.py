"""Activation modules: how they are recognised inside a network, and the gain that keeps their signal's size.

An activation is made by a factory () -> nn.Module, a fresh module for every place: a module used at two
places would run its hooks twice and mix their measurements. Its forward input is z, its output phi(z), same
shape.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules import activation as torch_activations

from vgp_bench.errors import ConfigError

ActivationFactory = Callable[[], nn.Module]

MARK = "is_activation"
"""Attribute of every module that make_activation made."""
_NOT_ELEMENTWISE = (
    nn.GLU,
    nn.LogSoftmax,
    nn.MultiheadAttention,
    nn.Softmax,
    nn.Softmax2d,
    nn.Softmin,
)


def make_activation(factory: ActivationFactory) -> nn.Module:
    """A new activation module, marked so that activation_modules finds it whatever its class is.

    Raises ConfigError for an in-place module, which would overwrite the z that is to be measured.
    """
    module = factory()
    if getattr(module, "inplace", False):
        raise ConfigError("activation.inplace=true overwrites values that are measured: remove the key")
    # A mark on the instance, not a wrapper around it: it costs nothing in forward and survives deepcopy.
    vars(module)[MARK] = True
    return module


def is_activation(module: nn.Module) -> bool:
    """Whether the module was made by make_activation, or is one of torch's elementwise activations."""
    if vars(module).get(MARK, False):
        return True
    of_torch = type(module).__module__ == torch_activations.__name__
    return of_torch and not isinstance(module, _NOT_ELEMENTWISE)


def activation_modules(module: nn.Module) -> list[nn.Module]:
    """The activations inside module (itself included) in order of registration.

    Every architecture of this package registers its modules in the order in which they run.
    """
    return [inner for inner in module.modules() if is_activation(inner)]


def gain(activation: nn.Module) -> float:
    """1 / sqrt(E[phi(z)^2]), z ~ N(0, 1): weights of variance gain^2 / fan_in then keep E[z^2] = 1.

    ReLU: sqrt(2); leaky ReLU: sqrt(2 / (1 + slope^2)) (He et al. 2015, equations 10 and 15); identity: 1.
    The integral is a trapezoid sum in float64 over |z| <= 12; its error is below 1e-8 even at kinks.
    Raises ConfigError where the mean square is zero or not finite, or the module takes no plain vector of z.
    """
    z = torch.linspace(-12, 12, 2**18 + 1, dtype=torch.float64)
    density = torch.exp(-0.5 * z**2)
    # Learnable slopes and the like are float32 and may be on a GPU; the result is good to 1e-6 then.
    parameter = next(activation.parameters(), None)
    points = z if parameter is None else z.to(parameter)
    try:
        with torch.no_grad():
            outputs = activation.forward(points).to(z)
    except RuntimeError as error:
        raise ConfigError(
            f"activation={type(activation).__name__}: no single gain for all units: set initializer.gain to a number"
        ) from error
    mean_square = float((density * outputs**2).sum() / density.sum())
    if not 0 < mean_square < float("inf"):
        raise ConfigError(
            f"activation={type(activation).__name__}: E[phi(z)^2] is {mean_square}: set initializer.gain to a number"
        )
    return float(mean_square**-0.5)
