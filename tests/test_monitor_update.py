"""How far a step moved the weights: what the optimizer's state says is what the weights show."""

from collections.abc import Sequence
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, names_on_disk, small_build
from vgp_bench.monitor.gauge import all_weights
from vgp_bench.monitor.momentum_update import MomentumUpdate, moves_by_momentum, update_of
from vgp_bench.monitor.update import WeightUpdate

OPTIMIZERS = [[f"optimizer={name}"] for name in names_on_disk("optimizer")] + [
    ["optimizer=sgd", "optimizer.weight_decay=0.1"],
    ["optimizer=sgd", "optimizer.nesterov=true"],
    ["optimizer=sgd", "optimizer.momentum=0"],
    ["optimizer=sgd", "+optimizer.dampening=0.5"],
    ["optimizer=sgd", "trainer.clip_norm=0.01"],
]


@pytest.mark.parametrize("words", OPTIMIZERS, ids=" ".join)
def test_every_optimizer_moved_the_weights_by_what_is_measured(words: list[str]) -> None:
    loop = small_build(compose("architecture=mlp", "schedule=cosine", *words), max_steps=6)
    measured, twin = loop.monitor.update, WeightUpdate(all_weights(loop.monitor.gauges))
    assert isinstance(measured, MomentumUpdate) is moves_by_momentum(loop.optimizer)
    assert moves_by_momentum(loop.optimizer) or words not in (
        ["optimizer=sgd"],
        ["optimizer=sgd", "trainer.clip_norm=0.01"],
    )
    for inputs, targets in [*loop.batches.epoch(0), *loop.batches.epoch(1)][:6]:
        loss, correct = loop.step.forward_backward(inputs, targets)
        sizes = list(map(float, twin.remember()))
        assert list(map(float, measured.remember())) == sizes
        loop.step.update(loss, correct)
        loop.schedule.step()  # the rate of the next step is none of this one's business
        moved = list(map(float, twin.moved()))
        assert min(moved) > 0
        for one, other, size in zip(measured.moved(), moved, sizes, strict=True):
            assert float(one) == pytest.approx(other, rel=1e-5, abs=6e-8 * size)  # a weight is rounded to 2^-24 of it


def step(weights: Sequence[nn.Parameter], optimizer: torch.optim.Optimizer, gradients: Sequence[Tensor | None]) -> None:
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    optimizer.step()


def test_groups_have_rates_of_their_own_also_after_loading_a_state() -> None:
    weights = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimizer = torch.optim.SGD(
        [{"params": [weights[0]], "lr": 0.5}, {"params": [weights[1]], "lr": 2.0}], momentum=0.9
    )
    update = update_of(weights, optimizer)
    assert isinstance(update, MomentumUpdate)
    ones = [torch.tensor([3.0, 4.0])] * 2
    update.remember()
    step(weights, optimizer, ones)
    assert update.moved() == pytest.approx([0.5 * 5, 2 * 5])
    state = deepcopy(optimizer.state_dict())
    for group in state["param_groups"]:
        group["lr"] = 0.1
    optimizer.load_state_dict(state)
    update.remember()
    step(weights, optimizer, ones)
    assert update.moved() == pytest.approx([0.1 * 1.9 * 5] * 2)  # b = .9 g + g


def test_a_weight_that_got_no_gradient_did_not_move_though_its_momentum_is_there() -> None:
    weights = [nn.Parameter(torch.ones(2)) for _ in range(2)]
    optimizer = torch.optim.SGD(weights, lr=1.0, momentum=0.9)
    update = update_of(weights, optimizer)
    update.remember()
    step(weights, optimizer, [torch.ones(2), torch.ones(2)])
    before = weights[1].detach().clone()
    update.remember()
    step(weights, optimizer, [torch.ones(2), None])
    assert update.moved()[1] == 0
    assert torch.equal(weights[1], before)


def test_an_optimizer_that_took_no_step_moved_nothing_and_keeps_its_state_empty() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.9)
    update = update_of([weight], optimizer)
    update.remember()
    weight.grad = torch.ones(2)
    assert update.moved() == [0.0]
    assert not optimizer.state


def test_an_update_lost_in_rounding_is_the_one_asked_for() -> None:
    weight = nn.Parameter(torch.ones(100))
    optimizer = torch.optim.SGD([weight], lr=1e-12, momentum=0.9)
    asked, shown = update_of([weight], optimizer), WeightUpdate([weight])
    asked.remember(), shown.remember()
    step([weight], optimizer, [torch.ones(100)])
    assert asked.moved() == pytest.approx([1e-11])
    assert list(map(float, shown.moved())) == [0.0]


class Anchored(torch.optim.SGD):
    """An SGD of somebody's own, which may do with its momentum what it likes."""


def test_momentum_is_trusted_where_it_is_the_whole_step() -> None:
    parameters = [nn.Parameter(torch.ones(2))]
    made = [
        torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
        torch.optim.SGD(parameters, lr=0.1),
        torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
        torch.optim.Adam(parameters),
        Anchored(parameters, lr=0.1, momentum=0.9),
    ]
    assert [moves_by_momentum(optimizer) for optimizer in made] == [True, False, False, False, False]
    assert type(update_of(parameters, None)) is WeightUpdate
