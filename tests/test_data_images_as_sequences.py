"""Images read row by row or pixel by pixel, against obvious loops."""

import pytest
import torch
from torch import Tensor

from tests.data_fixtures import random_images
from vgp_bench.data.batches import Batches
from vgp_bench.data.images import Augmentation, ImageData, Split
from vgp_bench.data.images_as_sequences import ImagesAsSequences, permutation
from vgp_bench.errors import ConfigError

CHANNELS, HEIGHT, WIDTH = 3, 5, 4
SHAPES = {"rows": (5, 12), "pixels": (20, 3), "permuted_pixels": (20, 3)}
SPLITS = ("train", "validation", "test")

every_form = pytest.mark.parametrize("how", SHAPES)


def batches_of(channels: int = CHANNELS) -> Batches:
    def split(n: int, seed: int) -> Split:
        return Split(random_images(n, channels, HEIGHT, WIDTH, seed), torch.arange(n) % 7)

    data = ImageData(
        train=split(30, 0),
        validation=split(7, 1),
        test=split(5, 2),
        classes=tuple("abcdefg"),
        mean=torch.full((channels,), 0.5),
        std=torch.full((channels,), 0.25),
        augmentation=Augmentation(crop_padding=1, flip=True),
    )
    return Batches(data, batch_size=8, seed=3)


def read_slowly(images: Tensor, how: str, seed: int) -> Tensor:
    positions = [(row, column) for row in range(HEIGHT) for column in range(WIDTH)]
    if how == "permuted_pixels":
        positions = [positions[place] for place in permutation(HEIGHT * WIDTH, seed).tolist()]
    sequences = []
    for image in images.tolist():
        if how == "rows":
            sequences.append([[pixel for channel in image for pixel in channel[row]] for row in range(HEIGHT)])
        else:
            sequences.append([[channel[row][column] for channel in image] for row, column in positions])
    return torch.tensor(sequences)


@every_form
@pytest.mark.parametrize("channels", [1, 3])
def test_every_batch_is_the_images_read_in_order(how: str, channels: int) -> None:
    images, sequences = batches_of(channels), ImagesAsSequences(batches_of(channels), how, seed=4)
    pairs = list(zip(images.epoch(2, 1), sequences.epoch(2, 1), strict=True))
    for split in SPLITS:
        pairs += zip(images.evaluation(split, 3), sequences.evaluation(split, 3), strict=True)  # type: ignore[arg-type]
    pairs.append((images.probe(6), sequences.probe(6)))
    assert len(pairs) == 2 + 10 + 3 + 2 + 1
    for (pictures, labels), (inputs, same_labels) in pairs:
        assert torch.equal(inputs, read_slowly(pictures, how, seed=4))
        assert torch.equal(labels, same_labels)
        assert inputs.dtype == torch.float32
        assert inputs.is_contiguous()
        assert inputs.shape[1:] == (sequences.shape.length, sequences.shape.features)


@every_form
def test_shape_and_steps_are_told(how: str) -> None:
    sequences = ImagesAsSequences(batches_of(), how, seed=0)
    assert (sequences.shape.length, sequences.shape.features) == SHAPES[how]
    assert sequences.shape.outputs == 7
    assert not sequences.shape.every_step
    assert sequences.steps_per_epoch == 3


def test_the_order_follows_from_the_seed() -> None:
    orders = [tuple(permutation(784, seed).tolist()) for seed in (0, 1, 2, 2**32, 2**63)]
    assert all(sorted(order) == list(range(784)) for order in orders)
    assert len(set(orders)) == len(orders)
    torch.manual_seed(99)
    assert tuple(permutation(784, 1).tolist()) == orders[1]


def test_the_seed_changes_permuted_pixels_only() -> None:
    for how in SHAPES:
        one, other = (ImagesAsSequences(batches_of(), how, seed).probe(3)[0] for seed in (0, 1))
        assert torch.equal(one, other) == (how != "permuted_pixels")


def test_another_form_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"images_as=columns: use one of rows, pixels, permuted_pixels"):
        ImagesAsSequences(batches_of(), "columns", seed=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every_form
def test_cuda_reads_in_the_same_order_and_never_makes_the_host_wait(how: str) -> None:
    def made(device: str) -> ImagesAsSequences:
        data = ImageData(
            *(Split(random_images(n, CHANNELS, HEIGHT, WIDTH, n), torch.arange(n) % 7) for n in (30, 7, 5)),
            classes=tuple("abcdefg"),
            mean=torch.full((CHANNELS,), 0.5),
            std=torch.full((CHANNELS,), 0.25),
        )
        return ImagesAsSequences(Batches(data.to(torch.device(device)), batch_size=8, seed=3), how, seed=4)

    on_cpu, sequences = list(made("cpu").epoch(1)), made("cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        on_cuda = list(sequences.epoch(1))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for (inputs, _), (expected, _) in zip(on_cuda, on_cpu, strict=True):
        torch.testing.assert_close(inputs.cpu(), expected, atol=1e-6, rtol=1e-6)
