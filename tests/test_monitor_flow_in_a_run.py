"""The flow of the signal as a run measures it: it leaves no trace, and its rows come at the probed steps."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from tests.composing import compose, small_build
from tests.flow_probing import figures
from vgp_bench.architectures.stages import Architecture
from vgp_bench.monitor.flow import flow_rows
from vgp_bench.records.rows import LayerRow, ProbeRow
from vgp_bench.training.loop import Loop

PROBED = [
    ["architecture=mlp"],
    ["architecture=resnet", "normalizer=batch"],
    ["architecture=transformer", "architecture.dropout=0.3"],
    ["architecture=lstm", "architecture.layers=2", "architecture.dropout=0.5"],
    ["architecture=rnn", "activation=sigmoid"],
    ["architecture=rnn", "activation=tanh"],  # fused but on the probe set
]


@pytest.mark.parametrize("words", PROBED, ids=" ".join)
def test_a_look_leaves_no_trace(words: list[str]) -> None:
    loop = small_build(compose(*words, "trainer.max_steps=1"))
    model, probe = loop.model.train(), loop.monitor.probe
    assert isinstance(model, Architecture)
    assert probe is not None
    loop.step.forward_backward(*next(iter(loop.batches.epoch(0))))
    before = copy.deepcopy(model.state_dict())
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    needs, inputs, state = [p.requires_grad for p in model.parameters()], probe.inputs.clone(), torch.get_rng_state()
    first = flow_rows(model, model.stages(), probe, 0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert gradients
    assert all(torch.equal(p.grad, gradients[name]) for name, p in model.named_parameters() if p.grad is not None)
    assert [p.requires_grad for p in model.parameters()] == needs
    assert torch.equal(probe.inputs, inputs)
    assert not probe.inputs.requires_grad
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    assert model.training
    for one, again in zip(first, flow_rows(model, model.stages(), probe, 0), strict=True):
        assert figures(one) == pytest.approx(figures(again), rel=0, abs=0, nan_ok=True)  # the same dropout too


def trained(words: Sequence[str]) -> tuple[Loop, list[Any]]:
    loop = small_build(compose(*words, "optimizer.lr=0.001"))
    found: list[Any] = []
    loop.sink = found.append
    loop.train()
    return loop, found


@pytest.mark.parametrize("words", PROBED, ids=" ".join)
def test_training_is_the_same_to_the_bit(words: list[str]) -> None:
    bare, _ = trained([*words, "trainer.max_steps=4", "monitor=off"])
    state = torch.get_rng_state()
    measured, found = trained([*words, "trainer.max_steps=4", "monitor=every_step", "monitor.probe_every=1"])
    assert torch.equal(state, torch.get_rng_state())
    assert {row.step for row in found if isinstance(row, ProbeRow)} == {0, 1, 2, 3}
    for name, value in bare.model.state_dict().items():
        assert torch.equal(value, measured.model.state_dict()[name]), name


def test_rows_come_at_probed_steps_one_a_stage_beside_those_of_the_layers() -> None:
    _, found = trained(["trainer.max_steps=7", "monitor.probe_every=4"])
    rows = [row for row in found if isinstance(row, ProbeRow)]
    layers = [row for row in found if isinstance(row, LayerRow) and row.step in (0, 4, 6)]
    where = [(row.step, row.stage, row.name, row.kind, row.depth) for row in rows]
    assert where == [(row.step, row.stage, row.name, row.kind, row.depth) for row in layers]
    assert {step for step, *_ in where} == {0, 4, 6}


@pytest.mark.parametrize("word", ["monitor=off", "monitor.probe_every=null"])
def test_without_a_probe_there_are_none(word: str) -> None:
    _, found = trained(["trainer.max_steps=2", word])
    assert found
    assert not any(isinstance(row, ProbeRow) for row in found)
