"""The gradient through time against obvious twins, and the decay read off it against sequences known by formula."""

import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.composing import compose
from vgp_bench.building import build
from vgp_bench.monitor.through_time import time_rows
from vgp_bench.records.rows import LayerRow, TimeRow
from vgp_bench.records.time_signal import decay_per_step, time_figures
from vgp_bench.training.loop import Loop

FAMILIES = ["rnn", "irnn", "lstm", "gru"]


def loop_of(*words: str, rows: list[Any] | None = None) -> Loop:
    base = [
        "dataset=adding",
        "dataset.length=12",
        "architecture.hidden=8",
        "trainer.batch_size=8",
        "trainer.max_steps=3",
    ]
    composed = compose(*base, *words)
    return build({**composed.config, "device": "cpu"}, (lambda row: None) if rows is None else rows.append)


def test_a_linear_chain_known_by_hand() -> None:
    # h_t = w h_(t-1) + x_t with one unit and loss (h_T - y)^2: dL/dh_t = 2 (h_T - y) w^(T - t)
    loop = loop_of("architecture=rnn", "activation=identity", "architecture.hidden=1")
    w = 0.25
    with torch.no_grad():
        for name, parameter in loop.model.named_parameters():
            parameter.zero_()
            if parameter.shape == (1, 1):
                parameter.fill_(w if "output" not in name else 1.0)
    inputs, targets = torch.zeros(1, 12, 2), torch.tensor([3.0])
    rows = time_rows(loop.model, inputs, targets, loop.feed.objective, 0)  # type: ignore[arg-type]
    assert [row.time for row in rows] == list(range(1, 13))
    for row in rows:
        assert row.lag == 12 - row.time
        assert row.state_gradient_l2 == pytest.approx(2 * 3.0 * w**row.lag, rel=1e-12)
        assert math.isnan(row.cell_gradient_l2)


@pytest.mark.parametrize("bidirectional", ["false", "true"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_layer_and_direction_has_its_rows_and_unrolling_changes_no_output(family: str, bidirectional: str) -> None:
    words = [f"architecture={family}", "architecture.layers=2", f"architecture.bidirectional={bidirectional}"]
    loop = loop_of(*words, "activation=tanh")
    inputs, targets = (t[:3].double() for t in loop.feed.batches.probe(3))
    model = copy.deepcopy(loop.model).double()
    rows = time_rows(loop.model, inputs.float(), targets.float(), loop.feed.objective, 0)  # type: ignore[arg-type]
    outputs, layers = model.unrolled(inputs)  # type: ignore[operator]
    torch.testing.assert_close(outputs, model(inputs))
    loss = loop.feed.objective.loss(outputs, targets)
    found = iter(rows)
    for layer in layers:
        for state in layer.states:
            (gradient,) = torch.autograd.grad(loss, state, retain_graph=True)
            row = next(found)
            assert (row.layer, row.direction) == (layer.layer, layer.direction)
            assert row.state_gradient_l2 == pytest.approx(gradient.norm().item(), rel=1e-4)
    assert next(found, None) is None
    assert {row.direction for row in rows} == ({"forward", "backward"} if bidirectional == "true" else {"forward"})


def test_nothing_underflows_where_float32_would_be_zero() -> None:
    loop = loop_of("architecture=rnn", "activation=identity", "architecture.hidden=1", "dataset.length=500")
    with torch.no_grad():
        for name, parameter in loop.model.named_parameters():
            parameter.fill_(0.3 if parameter.shape == (1, 1) and "output" not in name else float("output" in name))
    inputs, targets = torch.zeros(2, 500, 2), torch.tensor([3.0, 3.0])
    rows = time_rows(loop.model, inputs, targets, loop.feed.objective, 0)  # type: ignore[arg-type]
    first = rows[0].state_gradient_l2  # .3^499 = 1e-261: its square is no float64 any more
    assert math.log(first / rows[-1].state_gradient_l2) == pytest.approx(499 * math.log(0.3), rel=1e-6)
    lag, gradient = [row.lag for row in rows], [row.state_gradient_l2 for row in rows]
    assert decay_per_step(lag, gradient).rho == pytest.approx(0.3, rel=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_measuring_through_time_leaves_the_training_unchanged_to_the_bit(family: str) -> None:
    def trained(*monitor: str) -> tuple[dict[str, torch.Tensor], torch.Tensor, list[Any]]:
        rows: list[Any] = []
        words = [f"architecture={family}", "architecture.layers=2", "architecture.dropout=0.3", "optimizer.lr=1e-5"]
        loop = loop_of(*words, *monitor, rows=rows)
        loop.train()
        return loop.model.state_dict(), torch.get_rng_state(), rows

    bare, state, _ = trained("monitor=off")
    measured, measured_state, rows = trained("monitor=every_step", "monitor.probe_every=1")
    assert all(torch.equal(value, measured[name]) for name, value in bare.items())
    assert torch.equal(state, measured_state)
    assert {row.step for row in rows if isinstance(row, TimeRow)} == {0, 1, 2}
    assert any(isinstance(row, LayerRow) for row in rows)


def test_a_network_without_time_axis_has_no_time_rows() -> None:
    rows: list[Any] = []
    composed = compose("architecture=mlp", "trainer.max_steps=1")
    build({**composed.config, "device": "cpu"}, rows.append).train()
    assert rows
    assert not any(isinstance(row, TimeRow) for row in rows)


def test_the_decay_and_its_interval() -> None:
    lag = np.arange(100)
    exact = decay_per_step(lag, 5 * 0.8**lag)
    assert exact.rho == pytest.approx(0.8)
    assert (exact.low, exact.high) == pytest.approx((0.8, 0.8))
    assert exact.n == 97
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(300):  # independent scatter: there the 95 % interval must hold what it says
        noisy = decay_per_step(lag, 0.8**lag * np.exp(generator.normal(0, 0.5, 100)))
        covered += noisy.low <= 0.8 <= noisy.high
    assert 0.91 < covered / 300 < 0.985  # +-2.5 standard errors of a share of .95
    broken = 0.8**lag
    broken[[10, 20, 30]] = [0.0, np.inf, 1e-305]
    assert decay_per_step(lag, broken).rho == pytest.approx(0.8)
    assert math.isnan(decay_per_step([0, 1], [1.0, 0.5]).rho)


@pytest.mark.parametrize("words", [["dataset=copy_memory"], ["architecture.bidirectional=true"]])
def test_neither_answers_at_every_step_nor_a_second_direction_hide_the_decay(words: list[str]) -> None:
    """A fresh tanh network of 128 units loses about sqrt(1/3) = .577 a step, whatever is asked of it."""
    rows: list[Any] = []
    base = ["dataset=adding", "architecture=rnn", "activation=tanh", "initializer=pytorch_default"]
    length = "dataset.delay=30" if "dataset=copy_memory" in words else "dataset.length=40"
    more = [length, "architecture.layers=2", "trainer.max_steps=1", "trainer.batch_size=8"]
    composed = compose(*base, *words, *more)
    build({**composed.config, "device": "cpu"}, rows.append).train()
    times = [row for row in rows if isinstance(row, TimeRow)]
    columns = {name: np.array([getattr(row, name) for row in times]) for name in TimeRow.__slots__}
    assert time_figures(columns)["initial_decay_per_step"] == pytest.approx(0.577, rel=0.1)


def test_figures_are_those_of_the_last_layer_read_forward() -> None:
    rows = [
        (step, layer, direction, lag)
        for step in (0, 9)
        for layer in ("layer_1", "layer_2")
        for direction in ("forward", "backward")
        for lag in range(10)
    ]
    factor = {("layer_2", "forward"): 0.5, ("layer_2", "backward"): 0.9, ("layer_1", "forward"): 0.8}
    columns = {
        "step": np.array([r[0] for r in rows]),
        "layer": np.array([r[1] for r in rows], dtype=object),
        "direction": np.array([r[2] for r in rows], dtype=object),
        "lag": np.array([r[3] for r in rows]),
        "state_gradient_l2": np.array([(factor.get(r[1:3], 0.7) + (r[0] == 9) * 0.25) ** r[3] for r in rows]),
    }
    columns["cell_gradient_l2"] = columns["state_gradient_l2"] * 0.9 ** columns["lag"]
    figures = time_figures(columns)
    assert figures["initial_cell_decay_per_step"] == pytest.approx(0.45)
    assert figures["initial_cell_time_ratio"] == pytest.approx(0.45**9)
    assert figures["initial_decay_per_step"] == pytest.approx(0.5)
    assert figures["final_decay_per_step"] == pytest.approx(0.75)
    assert figures["initial_time_ratio"] == pytest.approx(0.5**9)
    assert time_figures({name: values[:0] for name, values in columns.items()}) == {}


def test_the_copy_of_a_frozen_network_is_measured_too() -> None:
    loop = loop_of("architecture=lstm")
    for parameter in loop.model.parameters():
        parameter.requires_grad_(False)
    inputs, targets = loop.feed.batches.probe(4)
    rows = time_rows(loop.model, inputs, targets, loop.feed.objective, 0)  # type: ignore[arg-type]
    assert all(row.state_gradient_l2 > 0 and row.cell_gradient_l2 > 0 for row in rows)
    assert isinstance(loop.model, nn.Module)
    assert not any(parameter.requires_grad for parameter in loop.model.parameters())
