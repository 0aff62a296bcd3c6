"""The training loop against what its settings promise: rates, clipping, bookkeeping, evaluation."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.composing import compose, small_build
from tests.data_fixtures import random_images
from vgp_bench.components import schedules
from vgp_bench.data.batches import Batches
from vgp_bench.data.feed import Feed, make_feed
from vgp_bench.data.images import ImageData, Split
from vgp_bench.errors import ConfigError
from vgp_bench.records.rows import EpochRow, LayerRow, Row, StepRow
from vgp_bench.training import loop as training_loop
from vgp_bench.training.evaluation import evaluate
from vgp_bench.training.loop import READ_EVERY, Diverged, Loop
from vgp_bench.training.settings import TrainerSettings

STEPS = 4  # in an epoch of small_build: 64 images in batches of 16


def small_loop(*words: str, **trainer: Any) -> tuple[Loop, list[Row]]:
    """A loop on digits that is not monitored unless the words say so, and the rows that it will push."""
    loop = small_build(compose("monitor=off", *words), **trainer)
    rows: list[Row] = []
    loop.sink = rows.append
    return loop, rows


def of_type(rows: list[Row], kind: type) -> list[Any]:
    return [row for row in rows if type(row) is kind]


def before_every_step(loop: Loop, look: Any) -> list[Any]:
    """What look() returns just before each optimizer step."""
    seen: list[Any] = []
    loop.optimizer.register_step_pre_hook(lambda *_: seen.append(look()))
    return seen


def global_norm(loop: Loop) -> float:
    """||dL/dtheta||_2, by its definition."""
    return math.sqrt(sum((p.grad.double() ** 2).sum().item() for p in loop.model.parameters() if p.grad is not None))


def weights(loop: Loop) -> torch.Tensor:
    return nn.utils.parameters_to_vector(loop.model.parameters()).detach().clone()


LR = 0.02


def cosine_formula(step: int, total: int, final: float) -> float:
    return LR * (final + (1 - final) * (1 + math.cos(math.pi * step / total)) / 2)


@pytest.mark.parametrize(
    ("words", "formula"),
    [
        (["schedule=constant"], lambda s: LR),
        (["schedule=step"], lambda s: LR * 0.1 ** ((s >= 10) + (s >= 15))),
        (
            ["schedule=step", "schedule.milestones=[0.9,0.2,0.5]", "schedule.factor=0.5"],
            lambda s: LR * 0.5 ** ((s >= 4) + (s >= 10) + (s >= 18)),
        ),
        (["schedule=cosine"], lambda s: cosine_formula(s, 20, 0.0)),
        (["schedule=cosine", "schedule.final=0.1"], lambda s: cosine_formula(s, 20, 0.1)),
    ],
)
def test_every_step_uses_and_records_the_rate_of_the_schedule(words: list[str], formula: Any) -> None:
    loop, rows = small_loop(f"optimizer.lr={LR}", *words, max_epochs=5)
    used = before_every_step(loop, lambda: loop.optimizer.param_groups[0]["lr"])
    loop.train()
    expected = pytest.approx([formula(s) for s in range(20)], rel=1e-9)
    assert used == expected
    assert [row.learning_rate for row in of_type(rows, StepRow)] == expected


@pytest.mark.parametrize("make", [schedules.constant, schedules.cosine, lambda o, n: schedules.step(o, n, [0.5])])
def test_a_rate_that_lives_on_the_device_gives_the_same(make: Any) -> None:
    def rates(lr: Any) -> list[Any]:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
        schedule = make(optimizer, 10)
        kept = []
        for _ in range(10):
            kept.append((schedule.get_last_lr()[0], float(optimizer.param_groups[0]["lr"])))
            optimizer.step()
            schedule.step()
        return [(float(told), used) for told, used in kept]  # read late, as the loop does

    on_device = rates(torch.tensor(LR))
    assert [told for told, _ in on_device] == pytest.approx([told for told, _ in rates(LR)], rel=1e-5, abs=1e-9)
    assert [told for told, _ in on_device] == [used for _, used in on_device]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("schedule=step schedule.milestones=[0.5,1.0]", "schedule.milestones=[0.5, 1.0]: shares of the training, "),
        ("schedule=step schedule.milestones=[32000]", "schedule.milestones=[32000]: shares of the training, "),
        ("schedule=cosine schedule.final=2", "schedule.final=2: a share of the first learning rate, "),
    ],
)
def test_impossible_schedules(word: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        small_loop(*word.split())
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("monitor", ["off", "every_step"])
def test_clipping_limits_the_norm_and_records_it_as_it_was(monitor: str) -> None:
    limit = 2.0
    loop, rows = small_loop(f"monitor={monitor}", "monitor.probe_every=null", "seed=2", clip_norm=limit, max_epochs=3)
    before: list[float] = []
    forward_backward = loop.step.forward_backward

    def looking(*batch: torch.Tensor) -> Any:
        result = forward_backward(*batch)
        before.append(global_norm(loop))
        return result

    loop.step.forward_backward = looking  # type: ignore[method-assign]
    after = before_every_step(loop, lambda: global_norm(loop))
    loop.train()
    assert min(before) < limit < max(before), "both cases are to be seen"
    assert after == pytest.approx([min(norm, limit) for norm in before], rel=1e-4)
    assert [row.gradient_l2 for row in of_type(rows, StepRow)] == pytest.approx(before, rel=1e-5)


def test_clipping_keeps_the_direction() -> None:
    def gradient_of(**trainer: Any) -> torch.Tensor:
        loop, _ = small_loop(max_steps=1, **trainer)
        seen = before_every_step(loop, lambda: [p.grad.flatten().clone() for p in loop.model.parameters()])
        loop.train()
        return torch.cat(seen[0])

    clipped, whole = gradient_of(clip_norm=0.01), gradient_of()
    assert clipped.norm().item() == pytest.approx(0.01, rel=1e-3)
    assert F.cosine_similarity(clipped, whole, dim=0).item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("monitor", ["off", "every_step"])
@pytest.mark.parametrize("size", [1e24, 1e-30])  # in float32 the square of neither is a number above 0
def test_clipping_and_its_record_at_sizes_whose_squares_float32_cannot_hold(monitor: str, size: float) -> None:
    loop, rows = small_loop(f"monitor={monitor}", "monitor.probe_every=null", clip_norm=1.0, max_steps=1)
    untrained = weights(loop)
    forward_backward = loop.step.forward_backward

    def of_that_size(*batch: torch.Tensor) -> Any:
        result = forward_backward(*batch)
        for parameter in loop.model.parameters():
            assert parameter.grad is not None
            parameter.grad *= size
        before.append(gradient())
        return result

    def gradient() -> torch.Tensor:
        return torch.cat([p.grad.double().flatten() for p in loop.model.parameters() if p.grad is not None])

    before: list[torch.Tensor] = []
    loop.step.forward_backward = of_that_size  # type: ignore[method-assign]
    after = before_every_step(loop, gradient)
    loop.train()
    length = before[0].norm().item()
    assert 0.01 * size < length < 100 * size
    (row,) = of_type(rows, StepRow)
    assert row.gradient_l2 == pytest.approx(length, rel=1e-5, abs=0)
    assert row.clipped == (size > 1)
    torch.testing.assert_close(after[0], before[0] / max(length, 1.0), rtol=1e-4, atol=0)
    if size > 1:
        assert (weights(loop) - untrained).norm().item() == pytest.approx(0.01, rel=0.01), "lr 0.01 times length 1"


def test_a_limit_that_is_never_reached_changes_nothing() -> None:
    clipped, rows = small_loop(clip_norm=1e9, max_epochs=2)
    free, free_rows = small_loop(max_epochs=2)
    clipped.train()
    free.train()
    assert torch.equal(weights(clipped), weights(free))
    assert all(math.isfinite(row.gradient_l2) for row in of_type(rows, StepRow))
    assert all(math.isnan(row.gradient_l2) for row in of_type(free_rows, StepRow)), "not measured: NaN"


@pytest.mark.parametrize(
    ("trainer", "ends"),
    [
        ({"max_epochs": 2}, [4, 8]),
        ({"max_epochs": 3, "max_steps": 6}, [4, 6]),
        ({"max_epochs": 3, "max_steps": 8}, [4, 8]),
        ({"max_epochs": 1, "max_steps": 100}, [4]),
        ({"max_epochs": 5, "max_steps": 1}, [1]),
        ({"max_epochs": 0}, []),
        ({"max_steps": 0}, []),
    ],
)
def test_epochs_and_steps(trainer: dict[str, int], ends: list[int]) -> None:
    loop, rows = small_loop(**trainer)
    told: list[int] = []
    loop.progress = lambda steps, loss: told.append(steps)
    untrained = weights(loop)
    loop.train()
    total = ends[-1] if ends else 0
    steps, epochs = of_type(rows, StepRow), of_type(rows, EpochRow)
    assert loop.total_steps == loop.done == sum(told) == total
    assert [row.step for row in steps] == list(range(total))
    assert [row.epoch for row in steps] == [step // STEPS for step in range(total)]
    assert [(row.epoch, row.step) for row in epochs] == list(enumerate(ends))
    assert torch.equal(untrained, weights(loop)) == (total == 0)


def test_epoch_rows_are_means_of_step_rows_and_steps_come_in_order() -> None:
    # 64 steps an epoch: the tape is read in the middle of an epoch and at its end, which is no multiple of it.
    loop, rows = small_loop("optimizer.lr=0.001", batch_size=1, max_epochs=3, max_steps=150)
    assert READ_EVERY < 64
    loop.train()
    steps, epochs = of_type(rows, StepRow), of_type(rows, EpochRow)
    assert [row.step for row in steps] == list(range(150))
    assert len(epochs) == 3
    for row in epochs:
        own = [step for step in steps if step.epoch == row.epoch]
        assert row.train_loss == pytest.approx(sum(step.loss for step in own) / len(own))
        assert row.train_accuracy == pytest.approx(sum(step.accuracy for step in own) / len(own))
    clock = [0.0, *(row.seconds for row in epochs)]
    for row, start, end, images in zip(epochs, clock[:-1], clock[1:], (64, 64, 22), strict=True):
        assert row.images_per_second * (end - start) == pytest.approx(images)


def test_the_clock_stands_still_while_it_validates(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, rows = small_loop(max_epochs=3)
    genuine, lost = time.perf_counter, [0.0]

    def slow(*arguments: Any) -> tuple[float, float]:
        lost[0] += 10_000
        return evaluate(*arguments)

    monkeypatch.setattr(training_loop, "evaluate", slow)
    monkeypatch.setattr(time, "perf_counter", lambda: genuine() + lost[0])
    loop.train()
    assert lost == [30_000]
    assert 0 < loop.clock.seconds < 10_000
    assert of_type(rows, EpochRow)[-1].seconds == loop.clock.seconds


def test_a_step_row_holds_the_loss_before_its_step() -> None:
    loop, rows = small_loop("normalizer=batch", max_epochs=2)
    twin, _ = small_loop("normalizer=batch", max_epochs=2)
    loop.train()
    step = 0
    optimizer = torch.optim.SGD(twin.model.parameters(), lr=0.01, momentum=0.9, fused=True)
    for epoch in range(2):
        for images, labels in twin.batches.epoch(epoch):
            logits = twin.model(images)
            loss = F.cross_entropy(logits, labels)
            row = of_type(rows, StepRow)[step]
            assert row.loss == pytest.approx(loss.item(), rel=1e-6)
            assert row.accuracy == (logits.argmax(1) == labels).float().mean().item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
    assert torch.equal(weights(loop), weights(twin))


def test_the_epoch_row_validates_the_weights_of_its_end_and_training_goes_on_in_training_mode() -> None:
    loop, rows = small_loop("normalizer=batch", max_epochs=2)
    loop.model.eval()  # whoever looked at the network before may have left it so
    modes = before_every_step(loop, lambda: {module.training for module in loop.model.modules()})
    loop.train()
    assert modes == [{True}] * 8
    last = of_type(rows, EpochRow)[-1]
    assert (last.validation_loss, last.validation_accuracy) == evaluate(loop.model, loop.feed, "validation")


def test_nothing_but_training_and_validation_data_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, _ = small_loop(max_epochs=3)
    read: list[tuple[str, int]] = []
    original = Batches.evaluation

    def spy(self: Batches, split: Any, batch_size: int = 1024) -> Iterator[Any]:
        read.append((split, loop.done))
        return original(self, split, batch_size)

    monkeypatch.setattr(Batches, "evaluation", spy)
    loop.train()
    assert read == [("validation", 4), ("validation", 8), ("validation", 12)]


def test_a_divergence_ends_the_training_with_every_row_up_to_it() -> None:
    loop, rows = small_loop("optimizer.lr=1e30", max_epochs=3)
    with pytest.raises(Diverged, match=r"^the loss is (nan|inf) at step (\d+)$") as raised:
        loop.train()
    steps = of_type(rows, StepRow)
    assert [row.step for row in steps] == list(range(len(steps)))
    assert [math.isfinite(row.loss) for row in steps] == [True] * (len(steps) - 1) + [False]
    assert str(raised.value).endswith(f"at step {steps[-1].step}")
    assert loop.clock.seconds > 0


def test_layer_rows_come_only_at_logged_steps() -> None:
    words = ["monitor=default", "monitor.dense_steps=2", "monitor.every=3", "monitor.probe_every=null"]
    loop, rows = small_loop(*words, max_epochs=2)
    loop.train()
    logged = {row.step for row in of_type(rows, LayerRow)}
    assert logged == {0, 1, 3, 6, 7}
    measured = {row.step for row in of_type(rows, StepRow) if math.isfinite(row.gradient_l2)}
    assert measured == logged


@pytest.mark.parametrize("key", ["batch_size", "max_epochs", "max_steps"])
def test_negative_settings(key: str) -> None:
    least = 1 if key == "batch_size" else 0
    with pytest.raises(ConfigError, match=f"^trainer.{key}=-1: must be at least {least}$"):
        TrainerSettings(**{key: -1})
    TrainerSettings(**{key: least})


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_impossible_clipping(limit: float) -> None:
    with pytest.raises(ConfigError, match=r"must be above 0, or null for no clipping"):
        TrainerSettings(clip_norm=limit)


def awkward_data(tests: int) -> ImageData:
    train = Split(random_images(8, channels=1), torch.arange(8) % 4)
    test = Split(random_images(tests, channels=1, seed=3), torch.arange(tests) % 4)
    return ImageData(train, test, test, tuple("abcd"), torch.tensor([0.4]), torch.tensor([0.3]))


def feed_of(data: ImageData) -> Feed:
    return make_feed(data, 4, 0, torch.device("cpu"))


def awkward_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 4), nn.BatchNorm1d(4))


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_equals_a_direct_computation(training: bool) -> None:
    data, model = awkward_data(2500), awkward_model()  # 2500: two whole batches and a smaller one
    model.train(training)
    buffers = [buffer.clone() for buffer in model.buffers()]
    loss, accuracy = evaluate(model, feed_of(data), "test")
    assert model.training is training
    assert all(torch.equal(now, before) for now, before in zip(model.buffers(), buffers, strict=True))

    x = ((data.test.images.double() / 255 - 0.4) / 0.3).flatten(1)
    logits = (x @ model[2].weight.double().T + model[2].bias.double()) / math.sqrt(1 + 1e-5)  # fresh running statistics
    right = logits[torch.arange(2500), data.test.labels]
    assert loss == pytest.approx((logits.logsumexp(1) - right).mean().item(), rel=1e-5)
    assert accuracy == (right == logits.max(1).values).double().mean().item()


def test_an_empty_split_has_no_loss() -> None:
    assert all(math.isnan(value) for value in evaluate(awkward_model(), feed_of(awkward_data(0)), "test"))
