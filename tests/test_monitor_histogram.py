"""Histograms of activations against numpy's, on real networks, and against networks and values known by hand."""

import copy
import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.composing import compose, small_build
from tests.probing import Chain, histogram_rows
from vgp_bench.components.activations import make_activation
from vgp_bench.monitor.bins import BINS, PORTION, counts
from vgp_bench.monitor.host_bins import PORTION as HOST_PORTION
from vgp_bench.monitor.host_bins import host_counts
from vgp_bench.records.rows import HistogramRow, LayerRow


def bins_of(values: Tensor) -> list[tuple[float, float, int]]:
    """(lower, upper, count) of every row of a network that hands its inputs on."""
    model = Chain(nn.Identity())
    return [(row.lower, row.upper, row.count) for row in histogram_rows(model, model.stages(), values)]


def filled(values: Tensor) -> dict[int | str, int]:
    """Counts above 0: by the number of the bin, or "zero", "equal" or "nonfinite"."""
    rows = bins_of(values)
    ranged = [row for row in rows if row[0] < row[1]]
    assert not ranged or 33 <= len(ranged) <= 65
    found: dict[int | str, int] = {i: count for i, (_, _, count) in enumerate(ranged) if count}
    for lower, upper, count in rows:
        if not lower < upper:
            assert count
            found["nonfinite" if math.isnan(lower) and math.isnan(upper) else "equal" if lower else "zero"] = count
    return found


def test_a_net_known_by_hand() -> None:
    # x = (1, 2) and (3, -1); z = (x_1, -x_2, x_2); h = (1, 0, 2), (3, 1, 0); y = h_1 + h_3 - 6
    first, second = nn.Linear(2, 3, bias=False), nn.Linear(3, 1)
    first.weight.data = torch.tensor([[1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    second.weight.data, second.bias.data = torch.tensor([[1.0, 0.0, 1.0]]), torch.tensor([-6.0])
    model = Chain(nn.Sequential(first, make_activation(nn.ReLU)), second)
    rows = histogram_rows(model, model.stages(), torch.tensor([[1.0, 2.0], [3.0, -1.0]]))
    hidden, output = ([row for row in rows if row.stage == stage] for stage in (0, 1))
    zero, *others = hidden
    assert zero == HistogramRow(step=0, stage=0, name="0", kind="hidden", depth=1, lower=0.0, upper=0.0, count=2)
    # 1, 1, 2 and 3 in 64 bins of 1/32 from 1 to 3: 2 is the lower edge of the 33rd, 3 the upper one of the last
    assert [row.count for row in others] == [2, *[0] * 31, 1, *[0] * 30, 1]
    assert [(row.lower, row.upper) for row in others] == [(1 + i / 32, 1 + (i + 1) / 32) for i in range(64)]
    # y = -3, -3: a constant
    assert output == [HistogramRow(step=0, stage=1, name="1", kind="output", depth=2, lower=-3.0, upper=-3.0, count=2)]


class Elsewhere(Tensor):
    """Some other kind of tensor, of which the host must not ask for memory."""


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0, 7.0, 7.0], {"equal": 3}),
        ([0.0, -0.0], {"zero": 2}),
        ([0.0, 5.0, 5.0], {"zero": 1, "equal": 2}),
        ([NAN, NAN], {"nonfinite": 2}),
        ([NAN, INF, -INF, 0.0], {"nonfinite": 3, "zero": 1}),
        ([NAN, INF, 1.0, 1.0], {"nonfinite": 2, "equal": 2}),
        # 0 lies among the others, at an edge or within a bin, or outside, and is counted once
        ([-1.0, 0.0, 0.0, 0.01, 1.0, -INF], {0: 1, "zero": 2, 32: 1, 63: 1, "nonfinite": 1}),  # bins of 1/32 from -1
        ([-1.0, 0.0, 0.01, 1.5], {0: 1, "zero": 1, 16: 1, 39: 1}),  # of 1/16 from -1: 2.5 / 64 is wider than 1/32
        ([0.0, 0.01, 1.0], {"zero": 1, 0: 1, 63: 1}),  # of 1/64 from 0
        ([-2.0, -0.01, 0.0], {0: 1, 63: 1, "zero": 1}),  # of 1/32 from -2 to 0
        ([-3.0, 0.0, -1.0], {0: 1, "zero": 1, 63: 1}),
        # bins of 1: lower edges belong to their bins, and the last upper edge too
        ([1.0, 2.0, 2.5, 63.0, 64.0, 65.0], {0: 1, 1: 2, 62: 1, 63: 2}),
        # off the edges 65 bins are needed: of 1 from 1 to 66
        ([1.5, 2.0, 64.5, 65.5], {0: 1, 1: 1, 63: 1, 64: 1}),
        # what float32 can hold, from end to end
        ([2**-149, 33 * 2**-149], {0: 1, 63: 1}),
        ([-3e38, 0.0, 3e38], {0: 1, "zero": 1, 57: 1}),  # of 2^123 = 1.06e37, 29 on either side
        ([1.0, 1.0 + 2**-23], {0: 1, 63: 1}),
        ([], {}),
    ],
)
def test_values_known_by_hand(values: list[float], expected: dict[int | str, int]) -> None:
    assert filled(torch.tensor(values)) == expected
    assert filled(torch.tensor(values).as_subclass(Elsewhere)) == expected  # not taken for memory of the host


def test_neighbours_in_float64_have_no_edges_between_them() -> None:
    assert bins_of(torch.tensor([1.0, 1 + 2**-52, 0.0], dtype=torch.float64)) == [(0, 0, 1), (1, 1 + 2**-52, 2)]


@pytest.mark.parametrize(("activation", "low"), [(nn.Sigmoid(), 0.0), (nn.Tanh(), -1.0), (nn.Hardtanh(0, 6), 0.0)])
def test_the_bins_end_where_the_activation_does(activation: nn.Module, low: float) -> None:
    # 1 is reached in float32, 0 by a sigmoid not before z = -100
    bins = [(lower, upper) for lower, upper, _ in bins_of(activation(torch.linspace(-20, 20, 500))) if lower < upper]
    assert (bins[0][0], bins[-1][1]) == (low, 6.0 if isinstance(activation, nn.Hardtanh) else 1.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_have_the_same_bins(dtype: torch.dtype) -> None:
    values = torch.tensor([0.5, 1.0, 2.0, 0.0, 40.5, NAN])  # each a number of 8 bits
    expected = {0: 1, 1: 1, 2: 1, "zero": 1, 40: 1, "nonfinite": 1}
    assert filled(values.to(dtype)) == filled(values) == expected


def test_a_network_in_bf16_is_counted_as_its_values_are() -> None:
    model = Chain(nn.Linear(4, 32), nn.Sigmoid()).to(torch.bfloat16)
    inputs = torch.randn(16, 4).bfloat16()
    with torch.no_grad():
        hidden = model.layers[0](inputs)
    values = {0: hidden, 1: hidden.sigmoid()}
    rows = histogram_rows(model, model.stages(), inputs)
    assert [stage for stage, _ in groupby(rows, lambda row: row.stage)] == [0, 1]
    for stage, group in groupby(rows, lambda row: row.stage):
        check([*group], values[stage])


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5, 2), (4, 6, 3)])
def test_every_value_of_channels_and_sequences_counts(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = torch.randn(shape)
    assert sum(count for _, _, count in bins_of(values)) == math.prod(shape)
    check_bins(bins_of(values.transpose(0, 1)), values)  # in no matter what order of memory


def test_a_stage_that_runs_twice_has_the_bins_of_both_runs() -> None:
    class Twice(Chain):
        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.layers(self.layers(inputs))
            return outputs

    model = Twice(nn.Linear(1, 1, bias=False), nn.Identity())
    model.layers[0].weight.data.fill_(2.0)
    rows = histogram_rows(model, model.stages(), torch.ones(3, 1))
    assert [(row.stage, row.lower, row.count) for row in rows] == [(0, 2, 3), (0, 4, 3), (1, 2, 3), (1, 4, 3)]


def test_many_values_are_counted_exactly_in_portions() -> None:
    # 1, 2, ... 48 * 2^16 in bins of 2^16 from 0: the first lacks 0, the last holds its upper edge
    values = torch.arange(1, 48 * 2**16 + 1, dtype=torch.float32)
    assert len(values) > 3 * PORTION
    assert filled(values) == {**dict.fromkeys(range(48), 2**16), 0: 2**16 - 1, 47: 2**16 + 1}
    # the least and the greatest are in two portions in the middle, a NaN is in the first, a zero in the last
    values = torch.full((3_000_000,), 2.0)
    values[1_400_000], values[1_900_000], values[0], values[2_999_999] = 1.0, 5.0, NAN, 0.0
    assert filled(values) == {0: 1, 16: 2_999_996, 63: 1, "zero": 1, "nonfinite": 1}


@pytest.mark.parametrize("shift", [-3.0, 0.0, 1e6])
@pytest.mark.parametrize("size", [1, 1000, HOST_PORTION, 3 * HOST_PORTION + 5])
@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU(), nn.Tanh(), nn.Hardshrink(), nn.Threshold(-1, 0)])
def test_the_host_counts_as_the_device_does(activation: nn.Module, size: int, shift: float) -> None:
    torch.manual_seed(0)
    values = activation(torch.randn(size) + shift)
    found = host_counts(values)
    if size > 1000:
        assert (found is None) == (len(values[values != 0].unique()) < 2)
    if found is not None:
        assert torch.equal(found, counts(values))


@pytest.mark.parametrize(("least", "greatest"), [(2**-140, 4.0), (2**-149, 1000.0)])  # in bins of 1/8, and of 32
@pytest.mark.parametrize("signs", [(1.0, 1.0), (-1.0, -1.0), (-1.0, 1.0)])
def test_the_host_takes_no_zero_of_either_sign_for_the_least(
    signs: tuple[float, float], least: float, greatest: float
) -> None:
    values = torch.tensor([signs[0] * least, signs[1] * greatest, 0.0, -0.0])
    found = host_counts(values)
    assert found is not None
    assert torch.equal(found, counts(values))
    assert found[:4].tolist() == [*sorted(values[:2].tolist()), 2, 2]


def test_the_host_leaves_what_needs_care() -> None:
    plain = torch.linspace(1, 2, 100)
    assert host_counts(plain) is not None
    bad = [torch.cat([plain, torch.tensor([value])]) for value in (NAN, INF, -INF)]
    others = [
        plain.double(),
        plain.bfloat16(),
        plain.to("meta"),
        plain.as_subclass(Elsewhere),
        plain * 0,
        plain * 0 + 1,
    ]
    others.append(torch.complex(plain, plain).conj().imag)  # its sign is turned when it is read
    assert [host_counts(values) for values in [*bad, *others]] == [None] * 10
    for place in (0, HOST_PORTION + 3):
        late = torch.linspace(1, 2, HOST_PORTION + 10)
        late[place] = NAN
        assert host_counts(late) is None
        assert filled(late)["nonfinite"] == 1


def test_a_count_that_float32_cannot_hold_is_exact() -> None:
    many = 2**24 + 3
    values = torch.ones(many + 1)
    values[7] = 2.0
    assert filled(values) == {0: many, 63: 1}


class Sizes(TorchDispatchMode):
    """Notes the greatest number of values that an operation put anywhere but into the memory of `values`."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.known = values.untyped_storage().data_ptr()
        self.greatest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (list, tuple)) else [result]:
            if tensor.untyped_storage().data_ptr() != self.known:
                self.greatest = max(self.greatest, tensor.numel())
        return result


def test_counting_takes_no_more_room_for_more_values() -> None:
    values = torch.randn(4, PORTION)
    with torch.no_grad(), Sizes(values) as sizes:
        counts(values)
    assert sizes.greatest == PORTION


def test_the_host_waits_for_no_value_while_counting() -> None:
    # A meta tensor has a shape and no values: whoever asks for one gets an error.
    assert counts(torch.empty(8, 3, device="meta")).shape == (BINS + 8,)


def check_bins(bins: Sequence[tuple[float, float, int]], values: Tensor) -> None:
    """The edges are as promised and the counts those of numpy.histogram, for values that are neither 0 nor broken."""
    array = values.detach().double().numpy().ravel()
    good = array[np.isfinite(array) & (array != 0)]
    ranged = [(lower, upper, count) for lower, upper, count in bins if lower < upper]
    edges = np.array([lower for lower, _, _ in ranged] + [ranged[-1][1]])
    width = 2.0 ** math.ceil(math.log2(np.ptp(good) / 64))
    first, last = math.floor(good.min() / width), math.ceil(good.max() / width)
    assert edges.tolist() == [width * i for i in range(first, last + 1)]
    assert [count for _, _, count in ranged] == np.histogram(good, edges)[0].tolist()
    assert sum(count for lower, upper, count in bins if lower == upper == 0) == (array == 0).sum()
    assert sum(count for lower, _, count in bins if math.isnan(lower)) == (~np.isfinite(array)).sum()
    assert sum(count for _, _, count in bins) == array.size


def check(rows: Sequence[HistogramRow], values: Tensor) -> None:
    check_bins([(row.lower, row.upper, row.count) for row in rows], values)


@pytest.mark.parametrize(
    "words",
    [
        ["architecture=mlp", "activation=sigmoid"],
        ["architecture=mlp", "activation=relu"],
        ["architecture=residual_mlp", "activation=gelu"],
        ["architecture=resnet", "normalizer=batch"],
        ["architecture=lstm", "activation=tanh", "architecture.layers=2", "architecture.dropout=0.5"],
        ["architecture=lstm", "dataset=copy_memory", "dataset.delay=5"],  # an answer at every step
        ["architecture=transformer", "activation=gelu", "architecture.dropout=0.1"],
    ],
    ids=" ".join,
)
def test_the_rows_of_a_run_are_numpys_histograms_of_the_probe_set(words: list[str]) -> None:
    loop = small_build(compose(*words, "trainer.max_steps=2", "monitor.probe_every=1"))
    assert loop.monitor.probe is not None
    twin, seen = copy.deepcopy(loop.model).train(), {}
    for index, stage in enumerate(twin.stages()):  # type: ignore[operator]
        stage.module.register_forward_hook(lambda m, i, out, index=index: seen.__setitem__(index, out))
    with torch.random.fork_rng(), torch.no_grad():  # dropout draws the same numbers in both
        twin(loop.monitor.probe.inputs)
    found: list[Any] = []
    loop.sink = found.append
    loop.train()
    for step in (0, 1):
        layers = [row for row in found if isinstance(row, LayerRow) and row.step == step]
        rows = [row for row in found if isinstance(row, HistogramRow) and row.step == step]
        of_stage = {stage: [*group] for stage, group in groupby(rows, lambda row: row.stage)}
        assert len(of_stage) == len(layers) == len(seen)
        for layer in layers:
            for row in of_stage[layer.stage]:
                assert (row.name, row.kind, row.depth) == (layer.name, layer.kind, layer.depth)
            assert sum(row.count for row in of_stage[layer.stage]) == seen[layer.stage].numel()
            if step == 0:
                check(of_stage[layer.stage], seen[layer.stage])


def test_they_are_taken_at_probed_steps_alone_in_the_pass_that_counts_dead_units() -> None:
    loop = small_build(compose("trainer.max_steps=7", "monitor.probe_every=4"))
    found: list[Any] = []
    loop.sink = found.append
    passes: list[int] = []
    loop.model.register_forward_hook(lambda module, i, out: passes.append(loop.done) if module.training else None)
    loop.train()
    assert {row.step for row in found if isinstance(row, HistogramRow)} == {0, 4, 6}
    # one pass a step, and at a probed one two more: that of histograms and dead units, and that of the flow of signals
    assert sorted(passes) == sorted([0, 1, 2, 3, 4, 5, 6, *[0, 4, 6] * 2])
    assert {row.step for row in found if isinstance(row, LayerRow) and row.dead_fraction >= 0} == {0, 4, 6}


@pytest.mark.parametrize("word", ["monitor=off", "monitor.probe_every=null"])
def test_without_a_probe_there_are_none(word: str) -> None:
    loop = small_build(compose("trainer.max_steps=2", word))
    found: list[Any] = []
    loop.sink = found.append
    loop.train()
    assert found
    assert not any(isinstance(row, HistogramRow) for row in found)


@pytest.mark.parametrize(
    "words",
    [["architecture=resnet", "normalizer=batch"], ["architecture=transformer", "architecture.dropout=0.3"]],
    ids=" ".join,
)
def test_taking_them_leaves_the_training_unchanged_to_the_bit(words: list[str]) -> None:
    def trained(*monitor: str) -> tuple[dict[str, Tensor], Tensor, set[int]]:
        loop = small_build(compose(*words, *monitor, "trainer.max_steps=4", "optimizer.lr=0.001"))
        found: list[Any] = []
        loop.sink = found.append
        loop.train()
        steps = {row.step for row in found if isinstance(row, HistogramRow)}
        return loop.model.state_dict(), torch.get_rng_state(), steps

    bare, state, none = trained("monitor=off")
    measured, measured_state, steps = trained("monitor=every_step", "monitor.probe_every=1")
    assert (none, steps) == (set(), {0, 1, 2, 3})
    assert all(torch.equal(value, measured[name]) for name, value in bare.items())
    assert torch.equal(state, measured_state)
