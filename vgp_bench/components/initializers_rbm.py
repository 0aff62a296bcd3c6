"""Unsupervised pre-training as an initializer: hidden layers learned one by one and without labels."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Never

import torch
from torch import Tensor, nn
from tqdm import tqdm

from vgp_bench.components.activations import ActivationFactory
from vgp_bench.components.boltzmann import Machine
from vgp_bench.components.initializers import Initializer, affine_modules
from vgp_bench.errors import ConfigError

BAR_AFTER = 3.0
"""Seconds before a bar is shown."""


class PretrainingInitializer(Initializer):
    """An initializer that learns from the training data, of which others see one batch."""

    @abstractmethod
    def samples_of(self, available: int) -> int:
        """How many training samples it wants of those there are."""


@dataclass(frozen=True, kw_only=True)
class RBMStack(PretrainingInitializer):
    """Each hidden layer is a restricted Boltzmann machine on the layer below (Hinton, Osindero & Teh 2006, section 4;
    Hinton & Salakhutdinov 2006): its W and its hidden bias become those of the layer.

    The visible units of the lowest one are binary, their probabilities the inputs mapped to [0, 1] by the least and the
    largest value of each channel, which gives the pixels back; the same map is then part of W and b, so that the layer
    gives for normalized inputs what the machine gives for pixels. A higher machine learns from the probabilities of the
    units below. The classifier begins as initializer=pytorch_default. The papers' fine-tuning is the training itself.
    """

    epochs: int = 30
    lr: float = 0.1
    momentum: float = 0.9
    batch_size: int = 20
    weight_decay: float = 0.0002
    samples: int | None = None

    def __post_init__(self) -> None:
        for key in ("epochs", "batch_size", "samples"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ConfigError(f"initializer.{key}={value}: must be 1 or more")
        if self.lr <= 0:
            raise ConfigError(f"initializer.lr={self.lr}: must be above 0")
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"initializer.momentum={self.momentum}: must be 0 or more and below 1")
        if self.weight_decay < 0:
            raise ConfigError(f"initializer.weight_decay={self.weight_decay}: must be 0 or more")

    def samples_of(self, available: int) -> int:
        """Raises ConfigError if there are not that many."""
        if self.samples is not None and self.samples > available:
            raise ConfigError(f"initializer.samples={self.samples}: there are {available} training samples")
        return self.samples or available

    def initialize(self, model: nn.Module, activation: ActivationFactory, images: Tensor) -> None:
        """images: the normalized training samples. Raises ConfigError for anything but a plain MLP of sigmoid units."""
        *hidden, classifier = _layers(model, activation, images)
        low, span = _range(images)
        visible = (images.flatten(1) - low) / span
        with torch.no_grad(), _bar(len(hidden) * self.epochs) as bar:
            for number, layer in enumerate(hidden, start=1):
                bar.set_description(f"pre-training layer {number} of {len(hidden)}")
                machine = Machine.drawn(visible, layer.out_features)
                for epoch in range(self.epochs):
                    machine.learn_epoch(visible, epoch, self.batch_size, self.lr, self.momentum, self.weight_decay)
                    bar.update()
                if not all(part.isfinite().all() for part in machine.parts):
                    raise ConfigError(f"initializer.lr={self.lr}: pre-training of layer {number} diverged; lower it")
                layer.weight.copy_(machine.weight)
                layer.bias.copy_(machine.hidden_bias)
                visible = machine.hidden(visible)
            hidden[0].weight.div_(span)
            hidden[0].bias.sub_(hidden[0].weight @ low)
            classifier.reset_parameters()


def _bar(passes: int) -> "tqdm[Never]":
    """Shown on a terminal only, and only while it lasts."""
    return tqdm(total=passes, unit="pass", delay=BAR_AFTER, leave=False, disable=None)


def _range(images: Tensor) -> tuple[Tensor, Tensor]:
    """(least value, largest - least value) of the channel of each input; (inputs,) each. A constant channel: span 1."""
    channels = images.transpose(0, 1).flatten(1)
    low, high = channels.amin(1), channels.amax(1)
    span = torch.where(high > low, high - low, torch.ones_like(low))
    each = images[0, 0].numel()
    return low.repeat_interleave(each), span.repeat_interleave(each)


def _layers(model: nn.Module, activation: ActivationFactory, images: Tensor) -> list[nn.Linear]:
    """The layers of a plain MLP in the order in which they run."""
    if type(activation()) is not nn.Sigmoid:
        raise ConfigError("initializer=rbm: a Boltzmann machine has sigmoid units: use activation=sigmoid")
    refusal = ConfigError("initializer=rbm: takes a plain MLP without normalizer: use architecture=mlp normalizer=none")
    layers = [module for _, module in affine_modules(model) if type(module) is nn.Linear and module.bias is not None]
    known = {id(parameter) for layer in layers for parameter in layer.parameters()}
    if any(id(parameter) not in known for parameter in model.parameters()) or len(layers) < 2:
        raise refusal
    few = images[:8]
    # What it computes decides: shortcuts have no parameters.
    if [layer.in_features for layer in layers] != [few[0].numel(), *(layer.out_features for layer in layers[:-1])]:
        raise refusal
    with torch.no_grad():
        h = few.flatten(1)
        for layer in layers[:-1]:
            h = torch.sigmoid(layer(h))
        if not torch.allclose(model(few), layers[-1](h), rtol=1e-4, atol=1e-6):
            raise refusal
    return layers
