"""Norms against float64, wherever a short cut could be taken: in portions, in 16 bits, out of order, out of range."""

import math

import pytest
import torch

from vgp_bench.monitor.norms import PORTION, absolute_sum, finite_norm, host_norm, joint_norm, true_norm, true_norms
from vgp_bench.monitor.room import Room


def in_double(values: torch.Tensor) -> float:
    return float(values.double().square().sum().sqrt())


@pytest.mark.parametrize("size", [0, 1, 1000, PORTION, PORTION + 1, 3 * PORTION + 7])
def test_a_norm_is_that_of_all_portions(size: int) -> None:
    values = torch.randn(size)
    if size:
        values[-1] = 1000.0  # one that nobody may leave out
    assert host_norm(values) == pytest.approx(in_double(values), rel=1e-5)


@pytest.mark.parametrize("size", [PORTION, 16 * PORTION])
def test_equal_values_of_which_float32_loses_most_keep_four_digits(size: int) -> None:
    values = torch.full((size,), 0.1)
    assert host_norm(values) == pytest.approx(in_double(values), rel=2e-4)


@pytest.mark.parametrize("size", [1e-30, 1e-42, 1e30, 0.0])
def test_no_true_norm_underflows_or_overflows(size: float) -> None:
    values = torch.full((100,), size)
    assert float(true_norm(values)) == pytest.approx(in_double(values), rel=1e-6, abs=0)


def test_values_in_any_order_of_memory_count_once() -> None:
    images = torch.randn(4, 3, 5, 6)
    for values in (images.to(memory_format=torch.channels_last), images.transpose(1, 3), images[:, :, ::2]):
        assert float(true_norm(values)) == pytest.approx(in_double(values), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_norm_of_16_bit_values_is_not_rounded_to_16_bits(dtype: torch.dtype) -> None:
    values = torch.randn(1000).to(dtype)
    assert float(true_norm(values)) == pytest.approx(in_double(values), rel=1e-5)
    assert float(finite_norm(values)[0]) == pytest.approx(in_double(values), rel=1e-5)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_true_norm_shows_what_a_finite_norm_leaves_out(bad: float) -> None:
    values = torch.tensor([3.0, bad, 4.0])
    (norm,) = true_norms([values])
    assert not math.isfinite(float(norm))
    finite, nonfinite = finite_norm(values, known=norm)
    assert (float(finite), float(nonfinite)) == (5.0, 1.0)


def test_norms_join_to_that_of_the_whole() -> None:
    parts = [torch.full((2,), size) for size in (1.0, 1e-30, 1e25)]
    # The first norm is a number, as the host could trust float32; the others are tensors.
    assert float(joint_norm(true_norms(parts))) == pytest.approx(math.sqrt(2) * 1e25, rel=1e-6)
    assert float(joint_norm([3.0, 4.0])) == 5.0
    assert float(joint_norm([2.0, torch.tensor(4.0), 4.0])) == 6.0
    assert math.isnan(float(joint_norm([3.0, math.nan])))


@pytest.mark.parametrize("size", [1.0, 1e-42, 1e37])
def test_an_absolute_sum_neither_underflows_nor_overflows(size: float) -> None:
    values = torch.full((1000,), size) * torch.tensor([1.0, -1.0]).repeat(500)
    assert float(absolute_sum(values, Room())) == pytest.approx(1000 * values[0].item(), rel=1e-6, abs=0)


def test_an_absolute_sum_of_16_bit_values_is_not_rounded_to_16_bits() -> None:
    values = torch.full((1001,), -1.0, dtype=torch.bfloat16)  # 1001 needs ten bits, bfloat16 has eight
    assert float(absolute_sum(values, Room())) == 1001


def test_a_room_fits_whatever_is_asked_for_next() -> None:
    room = Room()
    small, large = torch.zeros(2, 3), torch.zeros(4, 5).t()
    assert room.like(small).shape == (2, 3)
    view = room.like(large)
    assert view.shape == (5, 4)
    assert view.is_contiguous()
    assert room.like(small).data_ptr() == view.data_ptr()
    assert room.like(small, torch.float64).dtype == torch.float64
