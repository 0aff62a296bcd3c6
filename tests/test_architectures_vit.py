"""The Vision Transformer: patches, positions, pooling and size."""

import pytest
import torch
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.vit import Patches, ViT
from vgp_bench.components.normalizers import LayerNormalizer

PARTS = Parts(nn.GELU, LayerNormalizer())


def test_a_linear_layer_on_patches_is_a_strided_convolution():
    conv, linear, images = nn.Conv2d(3, 5, 4, stride=4), nn.Linear(3 * 4 * 4, 5), torch.randn(2, 3, 8, 12)
    with torch.no_grad():
        linear.weight.copy_(conv.weight.flatten(1))
        linear.bias.copy_(conv.bias)
    torch.testing.assert_close(linear(Patches(4)(images)), conv(images).flatten(2).transpose(1, 2))


@pytest.mark.parametrize("pool", ["mean", "token"])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
def test_parameters_are_as_many_as_the_formula_says(pool, positions):
    c, p, N, d, m, K = 3, 4, 3, 24, 2, 10
    model = ViT((c, 16, 8), K, PARTS, p, pool, blocks=N, width=d, heads=2, mlp_ratio=m, positions=positions)
    token = pool == "token"
    length = 4 * 2 + token
    attention, feed_forward, gains = 4 * (d * d + d), 2 * m * d * d + m * d + d, 2 * d
    embedding = c * p * p * d + d + token * d + (positions == "learned") * length * d
    expected = embedding + N * (attention + feed_forward + 2 * gains) + gains + d * K + K
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_vit_base_has_86_million_parameters():
    # Dosovitskiy et al. 2020, table 1: ViT-Base, 12 blocks, width 768, 12 heads, 86M
    with torch.device("meta"):
        model = ViT((3, 224, 224), 1000, PARTS, 16, "token", blocks=12, width=768, heads=12)
    assert sum(parameter.numel() for parameter in model.parameters()) == pytest.approx(86e6, rel=0.01)


@pytest.mark.parametrize("pool", ["mean", "token"])
def test_every_parameter_gets_a_gradient(pool):
    model = ViT((1, 8, 8), 10, PARTS, 4, pool, blocks=2, width=8, heads=2)
    logits = model(torch.randn(6, 1, 8, 8))
    assert logits.shape == (6, 10)
    logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        # Adding one vector to all keys shifts each row of scores, which softmax does not see.
        assert name.endswith("key.bias") or parameter.grad.any(), name


@pytest.mark.parametrize("pool", ["mean", "token"])
@pytest.mark.parametrize("positions", ["learned", "none"])
def test_patches_in_another_order_are_another_image_if_positions_are_known(pool, positions):
    model = ViT((1, 8, 8), 10, PARTS, 4, pool, blocks=2, width=8, heads=2, positions=positions)
    if positions == "learned":
        nn.init.normal_(model.get_parameter(f"embedding.{2 + (pool == 'token')}.table"))  # at .02 they hardly speak
    images = torch.randn(3, 1, 8, 8)
    swapped = torch.cat([images[:, :, 4:], images[:, :, :4]], dim=2)
    assert torch.allclose(model(images), model(swapped), atol=1e-5) == (positions == "none")


def test_stages_begin_at_the_patches_and_end_at_the_classifier():
    stages = ViT((1, 8, 8), 10, PARTS, pool="token", blocks=2).stages()
    assert [stage.depth for stage in stages] == [1, 3, 5, 7, 9, 10]
    assert (stages[0].name, stages[-1].kind) == ("embedding", "output")
    # the class token and the positions are added, no weights
    assert [tuple(weight.shape) for weight in stages[0].weights()] == [(64, 16)]
