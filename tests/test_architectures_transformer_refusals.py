"""What a Transformer refuses, in one line that says what to write instead."""

import re

import pytest
import torch
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.transformer import Transformer
from vgp_bench.architectures.vit import ViT
from vgp_bench.components.normalizers import (
    BatchNormalizer,
    GroupNormalizer,
    InstanceNormalizer,
    LayerNormalizer,
    NoNormalizer,
)
from vgp_bench.data.sequences import SequenceShape
from vgp_bench.errors import ConfigError

SEQUENCE = SequenceShape(length=5, features=3, outputs=2)
LAYER = LayerNormalizer()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"heads": 5}, "architecture.heads=5: must divide architecture.width=64: use 4 or 8"),
        ({"heads": 100}, "architecture.heads=100: must divide architecture.width=64: use 64"),
        ({"heads": 0}, "architecture.heads=0: must be 1 or more"),
        ({"width": 0}, "architecture.width=0: must be 1 or more"),
        ({"blocks": 0}, "architecture.blocks=0: must be 1 or more"),
        ({"mlp_ratio": 0}, "architecture.mlp_ratio=0: must be 1 or more"),
        ({"norm": "sandwich"}, "architecture.norm=sandwich: use pre, post or deepnorm"),
        ({"positions": "alibi"}, "architecture.positions=alibi: use learned, sinusoidal, rotary or none"),
        ({"dropout": 1.0}, "architecture.dropout=1.0: must be 0 or more and below 1"),
        ({"drop_path": -0.1}, "architecture.drop_path=-0.1: must be 0 or more and below 1"),
        (
            {"positions": "rotary", "width": 12},
            "architecture.positions=rotary turns pairs of features, and a head has 3: use architecture.width=16",
        ),
    ],
)
@pytest.mark.parametrize("architecture", ["transformer", "vit"])
def test_keys(architecture, keys, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build(architecture, Parts(nn.ReLU, LAYER), **keys)


@pytest.mark.parametrize(
    ("normalizer", "keys", "message"),
    [
        (BatchNormalizer(), {}, "normalizer=batch: a Transformer normalizes the features of each position by itself"),
        (GroupNormalizer(), {}, "normalizer=group: a Transformer normalizes the features of each position by itself"),
        (InstanceNormalizer(), {}, "normalizer=instance: a Transformer normalizes the features of each position"),
        (NoNormalizer(), {"norm": "deepnorm"}, "use normalizer=layer or rms, or architecture.norm=post"),
        (LayerNormalizer(placement="after"), {}, "set normalizer.placement=before"),
        (LayerNormalizer(weight_standardization=True), {}, "normalizer.weight_standardization=true"),
        (NoNormalizer(weight_standardization=True), {}, "normalizer.weight_standardization=true"),
    ],
)
@pytest.mark.parametrize("architecture", ["transformer", "vit"])
def test_normalizers(architecture, normalizer, keys, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as error:
        build(architecture, Parts(nn.ReLU, normalizer), **keys)
    assert "\n" not in str(error.value)


def test_a_slope_for_every_position():
    with pytest.raises(ConfigError, match=r"activation\.num_parameters=5: .*: use 1"):
        build("transformer", Parts(lambda: nn.PReLU(5), LAYER))


def test_more_positions_than_were_learned():
    model = build("transformer", Parts(nn.ReLU, LAYER), positions="learned")
    with pytest.raises(ConfigError, match="5 positions are learned, a sequence has 6: use sinusoidal, rotary or none"):
        model(torch.zeros(1, 6, 3))


@pytest.mark.parametrize(
    ("shape", "keys", "message"),
    [
        ((1, 28, 28), {"patch": 5}, "architecture.patch=5: must divide the images' height 28 and width 28: use 4 or 7"),
        ((1, 28, 28), {"patch": 0}, "architecture.patch=0: must be 1 or more"),
        ((1, 12, 18), {"patch": 4}, "architecture.patch=4: must divide the images' height 12 and width 18: use 3 or 6"),
        ((1, 28, 28), {"pool": "max"}, "architecture.pool=max: use mean or token"),
    ],
)
def test_images(shape, keys, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        ViT(shape, 10, Parts(nn.ReLU, LAYER), **keys)


def build(architecture, parts, **keys):
    if architecture == "vit":
        return ViT((1, 8, 8), 10, parts, **keys)
    return Transformer(SEQUENCE, parts, **keys)
