"""The Transformer encoder against torch's own, closed forms and what its papers say."""

import math

import pytest
import torch
from torch import nn

from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.positions import RotaryPositions, SinusoidalPositions
from vgp_bench.architectures.transformer import Transformer
from vgp_bench.components.normalizers import LayerNormalizer, NoNormalizer, RMSNormalizer
from vgp_bench.data.sequences import SequenceShape

SEQUENCE = SequenceShape(length=7, features=3, outputs=2)
EVERY_STEP = SequenceShape(length=7, features=3, outputs=2, every_step=True)
LAYER = Parts(nn.ReLU, LayerNormalizer())
SMALL = {"blocks": 2, "width": 12, "heads": 3}


def inputs(n=4, length=7):
    return torch.randn(n, length, 3)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_block_is_torchs_encoder_layer(norm):
    model = Transformer(SEQUENCE, LAYER, blocks=1, width=12, heads=3, mlp_ratio=2, norm=norm)
    theirs = nn.TransformerEncoderLayer(12, 3, 24, dropout=0.0, batch_first=True, norm_first=norm == "pre")
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    first, second = model.sublayers
    attention, feed_forward = first.branch[0], second.branch[0]
    of_input = [attention.query, attention.key, attention.value]
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(torch.cat([layer.weight for layer in of_input]))
        theirs.self_attn.in_proj_bias.copy_(torch.cat([layer.bias for layer in of_input]))
    linears = [layer for layer in feed_forward if isinstance(layer, nn.Linear)]
    theirs.self_attn.out_proj.load_state_dict(attention.output.state_dict())
    theirs.linear1.load_state_dict(linears[0].state_dict())
    theirs.linear2.load_state_dict(linears[1].state_dict())
    theirs.norm1.load_state_dict(first.normalizer[0].state_dict())
    theirs.norm2.load_state_dict(second.normalizer[0].state_dict())
    x = torch.randn(5, 7, 12)
    torch.testing.assert_close(model.sublayers(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_rotary_scores_depend_on_the_difference_of_positions_alone():
    rotary = RotaryPositions(10, 8)
    q, k = (rotary(vector.expand(1, 1, 10, 8)) for vector in torch.randn(2, 8))
    scores = (q @ k.transpose(-1, -2))[0, 0]
    for diagonal in range(-9, 10):
        values = scores.diagonal(diagonal)
        torch.testing.assert_close(values, values[:1].expand_as(values), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(scores[0, 0], scores[0, 1])


def test_rotary_turns_a_pair_by_its_position_times_its_frequency():
    turned = RotaryPositions(6, 4)(torch.tensor([1.0, 0.0, 0.0, 1.0]).expand(6, 4))
    for m in range(6):  # frequencies 1 and 10000^(-2/4)
        expected = [math.cos(m), math.sin(m), -math.sin(m / 100), math.cos(m / 100)]
        assert turned[m].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("width", [4, 5])
def test_sinusoids_are_those_of_the_paper(width):
    table = SinusoidalPositions(9, width)(torch.zeros(1, 9, width))[0]
    for position in range(9):
        for i in range(width):
            angle = position / 10000 ** (2 * (i // 2) / width)
            expected = math.cos(angle) if i % 2 else math.sin(angle)
            assert table[position, i].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary", "none"])
def test_sequences_longer_than_in_training_are_read_as_if_built_for_them(positions):
    longer = SequenceShape(length=20, features=3, outputs=2)
    short, long = (Transformer(shape, LAYER, **SMALL, positions=positions) for shape in (SEQUENCE, longer))
    long.load_state_dict(short.state_dict())
    x = inputs(length=20)
    torch.testing.assert_close(short(x), long(x))


@pytest.mark.parametrize("blocks", [1, 8, 18])
def test_deepnorm_has_the_constants_of_an_encoder(blocks):
    keys = {"blocks": blocks, "width": 8, "heads": 2, "norm": "deepnorm"}
    torch.manual_seed(1)
    model = Transformer(SEQUENCE, LAYER, **keys)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    model.finish_initialization()
    scaled = ("value.weight", "branch.0.output.weight", "branch.0.0.weight", "branch.0.2.weight")
    beta = (8 * blocks) ** -0.25
    assert sum(name.endswith(scaled) for name in before) == 4 * blocks
    for name, parameter in model.named_parameters():
        factor = beta if name.startswith("sublayers") and name.endswith(scaled) else 1
        torch.testing.assert_close(parameter, factor * before[name])
    # alpha x + F(x), seen before the normalizer
    sublayer, x = model.sublayers[0], torch.randn(2, 7, 8)
    expected = sublayer.normalizer((2 * blocks) ** 0.25 * x + sublayer.branch(x))
    torch.testing.assert_close(sublayer(x), expected)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
def test_causal_outputs_know_no_later_input(positions):
    model = Transformer(EVERY_STEP, LAYER, **SMALL, positions=positions, causal=True)
    x = inputs()
    other = torch.cat([x[:, :4], torch.randn(4, 3, 3)], dim=1)
    torch.testing.assert_close(model(x)[:, :4], model(other)[:, :4])
    assert not torch.allclose(model(x)[:, 4], model(other)[:, 4])
    sighted = Transformer(EVERY_STEP, LAYER, **SMALL, positions=positions)
    assert not torch.allclose(sighted(x)[:, 0], sighted(other)[:, 0])


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
def test_order_is_known_from_positions_alone(positions):
    model = Transformer(EVERY_STEP, LAYER, **SMALL, positions=positions)
    if positions == "learned":
        nn.init.normal_(model.embedding[1].table)  # at .02 they hardly speak
    x, order = inputs(), torch.randperm(7)
    assert torch.allclose(model(x[:, order]), model(x)[:, order], atol=1e-5) == (positions == "none")


@pytest.mark.parametrize("every_step", [False, True])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary", "none"])
@pytest.mark.parametrize(
    ("norm", "normalizer"),
    [(norm, n) for norm in ("pre", "post") for n in (NoNormalizer(), LayerNormalizer(), RMSNormalizer())]
    + [("deepnorm", LayerNormalizer()), ("deepnorm", RMSNormalizer())],
)
def test_every_parameter_gets_a_gradient(norm, normalizer, positions, every_step):
    shape = EVERY_STEP if every_step else SEQUENCE
    model = Transformer(shape, Parts(nn.Tanh, normalizer), **SMALL, norm=norm, positions=positions)
    model.finish_initialization()
    outputs = model(inputs())
    assert outputs.shape == ((4, 7, 2) if every_step else (4, 2))
    outputs.square().sum().backward()
    for name, parameter in model.named_parameters():
        # Adding one vector to all keys shifts each row of scores, which softmax does not see - unless they are turned.
        silent = name.endswith("key.bias") and positions != "rotary"
        assert silent or parameter.grad.any(), name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("norm", ["pre", "post", "deepnorm"])
def test_stages_are_the_residual_stream_in_depth_order(norm):
    model = Transformer(SEQUENCE, LAYER, blocks=3, width=8, heads=2, norm=norm)
    stages = model.stages()
    assert [stage.depth for stage in stages] == [1, 3, 5, 7, 9, 11, 13, 14]
    assert [stage.name for stage in stages[1:3]] == ["block_1_attention", "block_1_feed_forward"]
    assert [stage.kind for stage in stages] == ["hidden"] * 7 + ["output"]
    # query, key, value and output; two layers; positions, gains and biases are no weights
    assert [len(stage.weights()) for stage in stages] == [1, 4, 2, 4, 2, 4, 2, 1]
    seen, taken = [], []
    for stage in stages:
        stage.module.register_forward_hook(lambda m, i, out: seen.append(out))
        stage.module.register_forward_pre_hook(lambda m, i: taken.append(i[0]))
    model(inputs())
    assert all(before is after for before, after in zip(seen[:-1], taken[1:], strict=True))
    assert all(h.shape == (4, 7, 8) for h in seen[:-1])


@pytest.mark.parametrize("keys", [{"dropout": 0.5}, {"drop_path": 0.5}])
@pytest.mark.parametrize("norm", ["pre", "post", "deepnorm"])
def test_nothing_is_dropped_in_evaluation(norm, keys):
    x = inputs()
    model, full = (Transformer(SEQUENCE, LAYER, **SMALL, norm=norm, **more) for more in (keys, {}))
    with torch.no_grad():
        for ours, theirs in zip(model.parameters(), full.parameters(), strict=True):
            theirs.copy_(ours)
    assert not torch.allclose(model(x), model(x))
    model.eval()
    torch.testing.assert_close(model(x), full(x))


def test_dropout_acts_on_attention_weights_too():
    attention = Transformer(SEQUENCE, LAYER, **SMALL, dropout=0.5).sublayers[0].branch[0]
    x = torch.randn(2, 7, 12)
    assert not torch.allclose(attention(x), attention(x))


def test_branches_are_left_out_for_whole_samples_and_more_often_with_depth():
    model = Transformer(SEQUENCE, LAYER, blocks=4, width=8, heads=2, drop_path=0.8)
    sublayers, x = list(model.sublayers), torch.randn(4000, 7, 8)
    for block in range(4):
        for sublayer in sublayers[2 * block : 2 * block + 2]:
            with torch.no_grad():
                skipped = (sublayer(x) == x).flatten(1)
            assert torch.equal(skipped.all(1), skipped.any(1))
            rate = 0.8 * (block + 1) / 4  # known to .008 (one standard deviation of 4000 draws)
            assert skipped[:, 0].double().mean().item() == pytest.approx(rate, abs=0.04)
