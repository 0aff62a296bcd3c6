"""Clipping, portions of a batch, mixed precision, label smoothing, schedules and optimizers, against obvious twins."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.composing import compose, names_on_disk, small_build
from vgp_bench.components.muon import Muon
from vgp_bench.components.schedules import constant, cosine, one_cycle, step
from vgp_bench.data.objectives import Classification, Regression
from vgp_bench.errors import ConfigError
from vgp_bench.making import make
from vgp_bench.records.rows import LayerRow, StepRow
from vgp_bench.training.clipping import AdaptiveClipping, NormClipping, ValueClipping
from vgp_bench.training.precision import Precision
from vgp_bench.training.settings import TrainerSettings

CPU = torch.device("cpu")


def net_with_gradients() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(3 * 4, 5))
    (net(torch.randn(7, 1, 4, 4)).square().sum() * 3).backward()
    return net


def gradients(net: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in net.parameters() if parameter.grad is not None]


NOT_ASKED_FOR = torch.tensor(math.nan)


@pytest.mark.parametrize("share", [0.1, 2.0])
def test_norm_clipping_keeps_the_direction_and_caps_the_length(share: float) -> None:
    net = net_with_gradients()
    before = torch.cat([g.flatten() for g in gradients(net)])
    limit = share * before.norm().item()
    acted = NormClipping(limit).clip(list(net.parameters()), before.norm().double())
    after = torch.cat([g.flatten() for g in gradients(net)])
    torch.testing.assert_close(after, before * min(1.0, share), rtol=1e-4, atol=0)
    assert acted.item() == (share < 1)


@pytest.mark.parametrize("share", [0.1, 2.0])
def test_value_clipping_cuts_single_values(share: float) -> None:
    net = net_with_gradients()
    before = gradients(net)
    limit = share * max(g.abs().max().item() for g in before)
    acted = ValueClipping(limit).clip(list(net.parameters()), NOT_ASKED_FOR)
    for old, new in zip(before, gradients(net), strict=True):
        torch.testing.assert_close(new, old.clamp(-limit, limit))
    assert acted.item() == (share < 1)


def test_adaptive_clipping_unit_by_unit_as_in_equation_3() -> None:
    net = net_with_gradients()
    with torch.no_grad():
        net[0].weight[0] *= 1e-6  # ||W_i|| below eps: eps takes its place
        net[0].weight.grad[1] *= 1e-9  # this unit is short enough and stays as it is
    before, spared = gradients(net), frozenset(net[2].parameters())
    acted = AdaptiveClipping(0.01, spared).clip(list(net.parameters()), NOT_ASKED_FOR)
    assert acted.item() == 1
    for parameter, old in zip(net.parameters(), before, strict=True):
        assert parameter.grad is not None
        # A bias is one unit as a whole, as in the authors' code.
        as_units = [t[None] if t.ndim == 1 else t for t in (parameter.detach(), old, parameter.grad)]
        for unit, g, found in zip(*as_units, strict=True):
            allowed = 0.01 * max(unit.norm().item(), 1e-3)
            too_long = g.norm().item() > allowed and parameter not in spared
            expected = g * (allowed / g.norm()) if too_long else g
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-12)
    tiny = nn.Linear(2, 2)
    nn.init.zeros_(tiny.weight)
    tiny.weight.grad = torch.full((2, 2), 5e-8)  # within 1e-4 * eps, though next to nothing
    assert AdaptiveClipping(1e-4).clip([tiny.weight], NOT_ASKED_FOR).item() == 0
    assert torch.equal(tiny.weight.grad, torch.full((2, 2), 5e-8))
    assert AdaptiveClipping(1e9).clip(list(net.parameters()), NOT_ASKED_FOR).item() == 0


@pytest.mark.parametrize("key", ["clip_norm", "clip_value", "clip_adaptive"])
def test_the_share_of_clipped_steps_is_logged(key: str) -> None:
    def clipped(limit: str) -> list[float]:
        rows: list[Any] = []
        loop = small_build(compose(f"trainer.{key}={limit}", "trainer.max_steps=4", "monitor=off"))
        loop.sink = rows.append
        loop.train()
        return [row.clipped for row in rows if isinstance(row, StepRow)]

    assert clipped("1e-9") == [1, 1, 1, 1]
    assert clipped("1e9") == [0, 0, 0, 0]
    assert all(math.isnan(value) for value in clipped("null"))


def test_adaptive_clipping_spares_the_classifier() -> None:
    loop = small_build(compose("trainer.clip_adaptive=1e-9", "trainer.max_steps=1"))
    before = copy.deepcopy(loop.model)
    loop.train()
    moved = {
        name: (parameter - before.get_parameter(name)).norm().item()
        for name, parameter in loop.model.named_parameters()
    }
    assert all(distance > 1e-4 for name, distance in moved.items() if name.startswith("output"))
    assert all(distance < 1e-7 for name, distance in moved.items() if not name.startswith("output"))


@pytest.mark.parametrize("architecture", ["mlp", "lstm", "plain_cnn"])
def test_portions_of_a_batch_give_the_gradient_and_the_rows_of_the_whole(architecture: str) -> None:
    def layers(portions: int) -> tuple[list[LayerRow], list[Tensor], float]:
        rows: list[Any] = []
        loop = small_build(compose(f"architecture={architecture}", "monitor=every_step"), micro_batches=portions)
        loop.settings = TrainerSettings(batch_size=16, max_steps=1)
        loop.total_steps = 1
        loop.sink = rows.append
        loop.train()
        loss = next(row.loss for row in rows if isinstance(row, StepRow))
        return [r for r in rows if isinstance(r, LayerRow)], [p.detach() for p in loop.model.parameters()], loss

    whole, weights, loss = layers(1)
    parted, weights_parted, loss_parted = layers(4)
    assert loss_parted == pytest.approx(loss, rel=1e-5)
    for one, other in zip(weights, weights_parted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
    for a, b in zip(whole, parted, strict=True):
        for name in (
            "activation_gradient_l2",
            "activation_gradient_rms",
            "weight_gradient_l2",
            "activation_mean",
            "activation_std",
            "saturated_fraction",
            "zero_fraction",
            "update_ratio",
        ):
            assert getattr(b, name) == pytest.approx(getattr(a, name), rel=1e-3, abs=1e-6, nan_ok=True), (a.name, name)


def test_label_smoothing_is_that_of_szegedy_and_stays_out_of_the_evaluation() -> None:
    logits, labels = torch.randn(20, 5), torch.randint(0, 5, (20,))
    target = F.one_hot(labels, 5) * 0.9 + 0.1 / 5
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(Classification(0.1).loss(logits, labels), expected)

    loop = small_build(compose("trainer.label_smoothing=0.1"))
    assert loop.step.objective == Classification(0.1)
    assert loop.feed.objective == Classification(0.0)
    with pytest.raises(ConfigError, match="no classes to smooth"):
        small_build_sequences("trainer.label_smoothing=0.1")


def small_build_sequences(*words: str) -> Any:
    from vgp_bench.building import build

    composed = compose("architecture=rnn", "dataset=adding", "dataset.length=12", "trainer.batch_size=8", *words)
    return build({**composed.config, "device": "cpu"}, lambda row: None)


def test_targets_at_every_step_count_with_their_share() -> None:
    outputs = F.one_hot(torch.tensor([[0, 1, 2], [2, 2, 2]]), 3).float()
    targets = torch.tensor([[0, 1, 1], [2, 2, 2]])
    assert Classification().correct(outputs, targets).item() == pytest.approx(1 + 2 / 3)
    assert Regression(0.04).correct(torch.tensor([[1.0], [2.0]]), torch.tensor([1.03, 1.9])).item() == 1


def test_bf16_trains_in_16_bits_and_keeps_weights_in_32() -> None:
    if not torch.cpu._is_avx512_bf16_supported():
        pytest.skip("this processor has no bf16 arithmetic")

    def trained(precision: str) -> tuple[list[Any], Any]:
        rows: list[Any] = []
        words = [
            "architecture.width=64",
            "architecture.depth=4",
            "trainer.max_steps=20",
            f"trainer.precision={precision}",
        ]
        loop = small_build(compose(*words, "monitor=every_step"))
        loop.sink = rows.append
        loop.train()
        return rows, loop.model

    exact, _ = trained("fp32")
    rounded, model = trained("bf16")
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    first = [[r for r in rows if isinstance(r, LayerRow) and r.step == 0] for rows in (exact, rounded)]
    for a, b in zip(*first, strict=True):
        assert b.activation_gradient_l2 == pytest.approx(a.activation_gradient_l2, rel=0.05)
        assert b.activation_gradient_l2 != a.activation_gradient_l2, "nothing was rounded: not 16 bits"
    losses = [[r.loss for r in rows if isinstance(r, StepRow)] for rows in (exact, rounded)]
    assert losses[1][-1] == pytest.approx(losses[0][-1], rel=0.1)
    assert losses[1] != losses[0]


def test_fp16_needs_a_gpu() -> None:
    with pytest.raises(ConfigError, match="fp16 needs a CUDA device; on the CPU use bf16 or fp32"):
        Precision("fp16", CPU)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"clip_norm": 1.0, "clip_value": 1.0}, "clip in one way"),
        ({"clip_adaptive": 0.0}, "clip_adaptive=0.0: must be above 0"),
        ({"batch_size": 12, "micro_batches": 5}, "use 4 or 6"),
        ({"micro_batches": 0}, "must be at least 1"),
        ({"label_smoothing": 1.0}, "a share, from 0 to below 1"),
    ],
)
def test_impossible_settings(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainerSettings(**keys)


def rates(schedule: Any, total: int, rate: Any = 1.0, **keys: Any) -> list[float]:
    parameter = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([parameter], lr=rate, fused=True)
    scheduler, found = schedule(optimizer, total, **keys), []
    for _ in range(total):
        parameter.grad = torch.ones(1)
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return found


WARM = [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0)], ids=["number", "tensor"])  # a tensor is what CUDA has
def test_schedules_step_by_step(rate: Any) -> None:
    def like(value: Any) -> Any:
        return value.clone() if isinstance(value, Tensor) else value

    assert rates(constant, 20, like(rate), warmup=0.2) == pytest.approx([*WARM, *[1.0] * 16])
    fallen = rates(step, 20, like(rate), milestones=[0.5, 0.75], warmup=0.2)
    assert fallen == pytest.approx([*WARM, *[1.0] * 6, *[0.1] * 5, *[0.01] * 5])
    half_cosine = [(1 + math.cos(math.pi * i / 16)) / 2 for i in range(16)]
    assert rates(cosine, 20, like(rate), warmup=0.2) == pytest.approx([*WARM, *half_cosine], abs=1e-6)
    cycle = rates(one_cycle, 20, like(rate), rise=0.3, start=0.04)
    assert cycle[0] == pytest.approx(0.04)
    assert max(cycle) == pytest.approx(1.0, rel=0.05)
    peak = cycle.index(max(cycle))
    assert 4 <= peak <= 7
    assert cycle == sorted(cycle[:peak]) + sorted(cycle[peak:], reverse=True)


def test_groups_with_rates_of_their_own_keep_their_proportion() -> None:
    parameters = [nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": [parameters[0]], "lr": 0.02}, {"params": [parameters[1]], "lr": 0.001}])
    scheduler = cosine(optimizer, 10, final=0.1)
    for _ in range(10):
        optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == pytest.approx([0.002, 0.0001])


def test_a_warm_up_of_one_step_is_none() -> None:
    assert rates(step, 20, milestones=[0.5], warmup=0.05) == rates(step, 20, milestones=[0.5])
    assert rates(step, 1, milestones=[0.5]) == [1.0]


def test_fp16_gradients_are_reported_at_their_true_size() -> None:
    """The scaler on a CPU, which a user is refused: there the arithmetic is slow, but the same."""

    def observed(precision: str) -> list[LayerRow]:
        rows: list[Any] = []
        loop = small_build(compose("trainer.max_steps=1", "monitor=every_step"))
        if precision == "fp16":
            loop.step.precision = Precision("fp32", CPU)
            loop.step.precision.name = "fp16"
            loop.step.precision._scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        loop.sink = rows.append
        loop.train()
        return [row for row in rows if isinstance(row, LayerRow)]

    for exact, rounded in zip(observed("fp32"), observed("fp16"), strict=True):
        for name in ("activation_gradient_l2", "weight_gradient_l2", "activation_std", "update_ratio"):
            assert getattr(rounded, name) == pytest.approx(getattr(exact, name), rel=0.02), (exact.name, name)
        assert rounded.activation_gradient_l2 != exact.activation_gradient_l2, "nothing was rounded"


@pytest.mark.parametrize(
    ("schedule", "keys", "message"),
    [
        (constant, {"warmup": 1.0}, "schedule.warmup=1.0"),
        (step, {"milestones": [0.1], "warmup": 0.2}, "lies within schedule.warmup=0.2"),
        (one_cycle, {"rise": 0.0}, "schedule.rise=0.0"),
    ],
)
def test_impossible_schedules(schedule: Any, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rates(schedule, 10, **keys)


@pytest.mark.parametrize("schedule", names_on_disk("schedule"))
@pytest.mark.parametrize("optimizer", names_on_disk("optimizer"))
def test_every_optimizer_with_every_schedule_lowers_the_loss(optimizer: str, schedule: str) -> None:
    rows: list[Any] = []
    words = [f"optimizer={optimizer}", f"schedule={schedule}", "trainer.max_epochs=12", "monitor=off"]
    loop = small_build(compose(*words))
    loop.sink = rows.append
    loop.train()
    losses = [row.loss for row in rows if isinstance(row, StepRow)]
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])


def test_muon_has_the_hidden_matrices_and_adamw_the_rest() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 3))
    optimizer = make({"_target_": "vgp_bench.components.muon.Muon"}, net.parameters())
    muon, other = optimizer.param_groups
    assert [id(p) for p in muon["params"]] == [id(net[1].weight)]
    assert {id(p) for p in other["params"]} == {id(p) for p in net.parameters()} - {id(net[1].weight)}
    muon["lr"] = 0.0
    muon["weight_decay"] = 0.0
    before = net[1].weight.clone()
    net(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    assert torch.equal(net[1].weight, before), "a rate set here does not reach Muon"
    again = Muon(net.parameters())
    again.load_state_dict(optimizer.state_dict())
    assert again.param_groups[0]["lr"] == 0.0
    with pytest.raises(ConfigError, match="no hidden weight matrix"):
        Muon(nn.Linear(3, 3).parameters())
