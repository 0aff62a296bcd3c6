"""Layer-sequential unit variance: weights scaled by what a batch of data does to them."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from vgp_bench.components.activations import ActivationFactory
from vgp_bench.components.initializers import Affine, affine_modules
from vgp_bench.components.initializers_isometric import Orthogonal
from vgp_bench.components.weight_standardization import StandardizedConv2d, StandardizedLinear
from vgp_bench.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class LSUV(Orthogonal):
    """Orthogonal weights, then each layer's output W x scaled to variance 1 (Mishkin & Matas 2016, algorithm 1).

    The paper iterates layer by layer until the variance is near 1. W x is linear in W, so one division is
    exact and one forward pass, in which each layer hands its scaled output on, serves all layers. The pass is
    in training mode, as the first step will be; buffers, training mode and random numbers are left as they
    were. Biases are set as usual and take no part in the variance.
    """

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        layers = list(affine_modules(model))
        if any(isinstance(layer, StandardizedLinear | StandardizedConv2d) for _, layer in layers):
            raise ConfigError(
                "initializer=lsuv scales weights, which normalizer.weight_standardization=true undoes: "
                "choose one of the two"
            )
        super().initialize(model, activation, images)
        modes = [(module, module.training) for module in model.modules()]
        buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
        done: set[str] = set()
        hooks = [layer.register_forward_hook(partial(_rescale, name, done)) for name, layer in layers]
        cuda_devices = [images.device] if images.is_cuda else []
        try:
            with torch.no_grad(), torch.random.fork_rng(cuda_devices):
                model.train()(images)
        finally:
            for hook in hooks:
                hook.remove()
            for module, training in modes:
                module.training = training
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


def _rescale(name: str, done: set[str], layer: Affine, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
    """Forward hook: divide the weight by the standard deviation of W x; give the output it then has."""
    if name in done:  # a layer used twice is scaled by its first use
        return None
    done.add(name)
    bias = 0.0 if layer.bias is None else layer.bias
    if isinstance(bias, Tensor) and not isinstance(layer, nn.Linear):
        bias = bias.view(-1, *[1] * (layer.weight.ndim - 2))
    linear = output - bias
    std = linear.std(correction=0)
    if not (torch.isfinite(std) and std > 0):
        raise ConfigError(
            f"initializer=lsuv: the output of {name} has standard deviation {std.item():g} on the batch: "
            "use a larger trainer batch, another activation or another initializer"
        )
    layer.weight /= std
    return linear / std + bias
