"""Batches of sequence tasks: shapes, reproducibility, chance levels, and that they leave the rest alone."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.sequence_tasks import TASKS
from vgp_bench.data.adding import Adding
from vgp_bench.data.copy_memory import CopyMemory
from vgp_bench.data.objectives import Regression
from vgp_bench.data.sequences import SequenceBatches, SequenceData, SequenceTask
from vgp_bench.errors import ConfigError

CPU = torch.device("cpu")

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())


def made(task: SequenceTask, seed: int = 0, batch_size: int = 20, device: torch.device = CPU) -> SequenceBatches:
    return SequenceBatches(SequenceData(task, 90, 50, 70), batch_size, seed, device)


def rows(inputs: Tensor) -> list[bytes]:
    return [sequence.numpy().tobytes() for sequence in inputs]


def epoch(batches: SequenceBatches, number: int) -> Tensor:
    return torch.cat([inputs for inputs, _ in batches.epoch(number)])


def evaluated(batches: SequenceBatches, split: str) -> Tensor:
    return torch.cat([inputs for inputs, _ in batches.evaluation(split, batch_size=32)])  # type: ignore[arg-type]


@every_task
def test_shapes_and_types_are_as_promised(task: SequenceTask) -> None:
    batches, shape = made(task), task.shape
    assert batches.steps_per_epoch == len(list(batches.epoch(0))) == 4
    for inputs, targets in [*batches.epoch(0), batches.probe(20), next(batches.evaluation("test", 20))]:
        assert inputs.shape == (20, shape.length, shape.features)
        assert inputs.dtype == torch.float32
        assert inputs.is_contiguous()
        assert targets.shape == ((20, shape.length) if shape.every_step else (20,))
        assert targets.dtype == (torch.float32 if isinstance(task.objective, Regression) else torch.int64)
        outputs = torch.zeros(*targets.shape, shape.outputs, requires_grad=True)
        task.objective.loss(outputs, targets).backward()
        assert 0 <= task.objective.correct(outputs, targets) <= 20


@every_task
def test_evaluation_gives_as_many_as_asked_for(task: SequenceTask) -> None:
    batches = made(task)
    for split, sizes in (("train", [32, 32, 26]), ("validation", [32, 18]), ("test", [32, 32, 6])):
        parts = list(batches.evaluation(split, batch_size=32))  # type: ignore[arg-type]
        assert [len(inputs) for inputs, _ in parts] == [len(targets) for _, targets in parts] == sizes


@every_task
def test_sequences_follow_from_seed_epoch_and_step_alone(task: SequenceTask) -> None:
    first, resumed = made(task, seed=5), made(task, seed=5)
    epoch(first, 0)
    torch.manual_seed(99)
    whole, rest = list(first.epoch(2)), list(resumed.epoch(2, first_step=3))
    assert len(rest) == 1
    assert torch.equal(rest[0][0], whole[3][0])
    assert torch.equal(rest[0][1], whole[3][1])


@every_task
def test_seeds_epochs_and_steps_are_all_different(task: SequenceTask) -> None:
    drawn = {inputs.numpy().tobytes() for seed in range(3) for e in range(3) for inputs, _ in made(task, seed).epoch(e)}
    assert len(drawn) == 3 * 3 * 4


@every_task
def test_evaluation_and_probe_do_not_depend_on_the_seed(task: SequenceTask) -> None:
    one, other = made(task, seed=1), made(task, seed=2, batch_size=10)
    for split in ("train", "validation", "test"):
        assert torch.equal(evaluated(one, split), evaluated(other, split))
    assert torch.equal(one.probe(30)[0], other.probe(30)[0])


@every_task
def test_no_sequence_is_met_twice(task: SequenceTask) -> None:
    batches = made(task)
    parts = [*(epoch(batches, number) for number in range(3)), batches.probe(50)[0]]
    parts += [evaluated(batches, split) for split in ("train", "validation", "test")]
    drawn = torch.cat(parts)
    if task is TASKS["parentheses"]:  # there are only few short words
        drawn = drawn[drawn[:, :, 2].sum(1) <= drawn.shape[1] - 30]
    assert len(drawn) >= 120
    assert len(set(rows(drawn))) == len(drawn)


@every_task
def test_global_random_state_is_neither_read_nor_changed(task: SequenceTask) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()
    batches = made(task)
    epoch(batches, 0)
    evaluated(batches, "test")
    batches.probe(5)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], numpy_before)


@every_task
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_stated_answer_reaches_the_chance_level(task: SequenceTask, split: str) -> None:
    count = 20_000
    inputs, targets = task.sample(count, split, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    outputs = torch.zeros(*targets.shape, task.shape.outputs)
    loss_error = 1e-6
    if isinstance(task, Adding):
        outputs += 1
        loss_error = 4.5 * math.sqrt((1 / 15 - 1 / 36) / count)  # E[(s - 1)^4] = 1/15
    elif isinstance(task, CopyMemory):
        outputs[:, :-10, 8], outputs[:, -10:, 8] = 1e4, -1e4
    elif task.shape.outputs > 1:
        # No constant answer does better: the classes are equally frequent. -sum p ln p falls short by (k - 1) / 2n.
        shares = targets.bincount(minlength=task.shape.outputs) / count
        assert torch.special.entr(shares).sum() == pytest.approx(task.chance.loss, abs=1e-3)
    accuracy_error = 4.5 * math.sqrt(task.chance.accuracy * (1 - task.chance.accuracy) / count)
    assert task.objective.loss(outputs, targets) == pytest.approx(task.chance.loss, abs=loss_error)
    assert task.objective.correct(outputs, targets) / count == pytest.approx(task.chance.accuracy, abs=accuracy_error)
    assert len(inputs) == count


def test_chance_levels_are_those_of_the_papers() -> None:
    assert TASKS["adding"].chance.loss == pytest.approx(0.1667, abs=5e-5)
    assert TASKS["adding"].chance.accuracy == pytest.approx(0.0784)
    copy = CopyMemory(delay=500).chance
    assert copy.loss == pytest.approx(10 * math.log(8) / 520)
    assert copy.accuracy == pytest.approx((510 + 10 / 8) / 520)
    assert TASKS["temporal_order 6a"].chance.loss == pytest.approx(math.log(4))
    assert TASKS["temporal_order 6b"].chance.accuracy == pytest.approx(1 / 8)


def test_impossible_sizes_name_the_key() -> None:
    task = TASKS["adding"]
    for sizes, message in (
        ((0, 1, 1), "dataset.train_size=0"),
        ((1, 0, 1), "dataset.validation_size=0"),
        ((1, 1, -1), "dataset.test_size=-1"),
    ):
        with pytest.raises(ConfigError, match=rf"{message} must be 1 or more"):
            SequenceData(task, *sizes)
    with pytest.raises(ConfigError, match=r"trainer\.batch_size=91 is more than dataset\.train_size=90"):
        made(task, batch_size=91)
    with pytest.raises(ConfigError, match=r"trainer\.batch_size=0 must be 1 or more"):
        made(task, batch_size=0)
    with pytest.raises(ConfigError, match=r"seed=-1 must be 0 or more"):
        made(task, seed=-1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every_task
def test_cuda_draws_its_own_and_never_makes_the_host_wait(task: SequenceTask) -> None:
    cuda = torch.device("cuda")
    batches, states = made(task, device=cuda), (torch.get_rng_state(), torch.cuda.get_rng_state())
    list(batches.epoch(0))  # the first use of a kernel may load it
    list(batches.evaluation("test", 32))
    torch.cuda.set_sync_debug_mode("error")
    try:
        drawn = list(batches.epoch(1))
        list(batches.evaluation("test", 32))
        batches.probe(5)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(torch.get_rng_state(), states[0])
    assert torch.equal(torch.cuda.get_rng_state(), states[1])
    again = list(made(task, device=cuda).epoch(1))
    assert all(
        torch.equal(a, b) for one, other in zip(drawn, again, strict=True) for a, b in zip(one, other, strict=True)
    )
    assert drawn[0][0].device.type == drawn[0][1].device.type == "cuda"
    assert len({inputs.cpu().numpy().tobytes() for inputs, _ in drawn}) == len(drawn)
