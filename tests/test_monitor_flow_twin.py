"""The flow of the signal against an obvious slow twin: float64, one sample after another, a loop over all units."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from tests.flow_probing import FIGURES
from vgp_bench.architectures.stages import Architecture
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.gates import GateLinear
from vgp_bench.monitor.flow import flow_rows
from vgp_bench.monitor.probing import Probe


def twin_rows(model: Architecture, probe: Probe) -> list[dict[str, float]]:
    """The same figures in float64: one sample after another, every tensor kept, a plain loop for every unit."""
    zeros = zero_fractions(model, probe)
    twin = copy.deepcopy(model).double()
    n = len(probe.inputs)
    stages = twin.stages()
    runs: list[list[list[Tensor]]] = [[] for _ in stages]  # stage, sample, run
    used: list[dict[nn.Module, list[tuple[Tensor, Tensor]]]] = [{} for _ in stages]
    total = [[torch.zeros_like(weight) for weight in stage.weights()] for stage in stages]
    for i in range(n):
        handles = []
        for index, stage in enumerate(stages):
            runs[index].append([])

            def keep(m: nn.Module, inputs: Any, out: Tensor, index: int = index) -> None:
                out.retain_grad()
                runs[index][-1].append(out)

            def note(m: nn.Module, inputs: Any, out: Tensor, index: int = index) -> None:
                used[index].setdefault(m, []).append((inputs[0].detach(), out.detach()))

            handles.append(stage.module.register_forward_hook(keep))
            handles += [module.register_forward_hook(note) for module in activation_modules(stage.module)]
        twin.zero_grad()
        targets = probe.targets[i : i + 1]
        targets = targets.double() if targets.is_floating_point() else targets
        probe.objective.loss(twin(probe.inputs[i : i + 1].double()), targets).backward()
        for sums, stage in zip(total, stages, strict=True):
            for whole, weight in zip(sums, stage.weights(), strict=True):
                if weight.grad is not None:
                    whole += weight.grad / n
        for handle in handles:
            handle.remove()
    found = []
    for index, stage in enumerate(stages):
        grads = [[h.grad for h in sample if h.grad is not None] for sample in runs[index]]
        values = torch.cat([torch.cat([h.detach() for h in sample]).flatten()[None] for sample in runs[index]])
        gradient = torch.cat([whole.flatten() for whole in total[index]])
        gates = {m.weight: m.gates for m in stage.module.modules() if isinstance(m, GateLinear)}
        figures = {
            "sensitivity": sum(
                float(h.detach().norm() * g.norm())
                for sample, of in zip(runs[index], grads, strict=True)
                for h, g in zip(sample, of, strict=True)
            )
            / n,
            "sample_gradient": sum(float(g.norm()) for of in grads for g in of) / n,
            "input_share": float(values.var(0, correction=0).sum() / values.square().sum(1).mean()),
            "unit_spread": spread_of_columns(torch.cat([units_last(h.detach()) for s in runs[index] for h in s])),
            "weight_spread": min(
                (
                    spread_of_columns(torch.cat([part.flatten(1).t() for part in w.detach().chunk(gates.get(w, 1))]))
                    for w in stage.weights()
                    if len(w) > 1
                ),
                default=math.nan,
            ),
            "weight_gradient_mean": float(gradient.abs().mean()),
            "zero_gradient_fraction": zeros[index],
        }
        if used[index]:
            figures |= unit_figures(used[index])
        found.append(figures)
    return found


def zero_fractions(model: Architecture, probe: Probe) -> list[float]:
    """Of the weight gradients of the whole batch, in float32: in float64 fewer are 0."""
    plain = copy.deepcopy(model)
    probe.objective.loss(plain(probe.inputs), probe.targets).backward()
    gradients = [[w.grad.flatten() for w in s.weights() if w.grad is not None] for s in plain.stages()]
    return [float((torch.cat(of_stage) == 0).double().mean()) for of_stage in gradients]


def units_last(values: Tensor) -> Tensor:
    """(inputs, units): channels of images are units at every position, features of sequences at every time step."""
    return (values.permute(0, 2, 3, 1) if values.ndim == 4 else values).reshape(
        -1, values.shape[-1 if values.ndim < 4 else 1]
    )


def spread_of_columns(values: Tensor) -> float:
    if values.shape[1] == 1:
        return math.nan
    off = sum(float((row - row.mean()).square().sum()) for row in values)
    return math.sqrt(off / float(values.square().sum()))


def unit_figures(used: dict[nn.Module, list[tuple[Tensor, Tensor]]]) -> dict[str, float]:
    """The columns that speak of activations, unit by unit."""
    slopes, outputs, inputs = [], [], []
    flat, rare, faint = [], [], []
    for module, runs in used.items():
        z = torch.cat([units_last(z) for z, _ in runs])
        out = copy.deepcopy(module).float().forward(z.float())  # gelu(-8) is 0 in float32, not in float64
        slope = by_autograd(module, z) / by_autograd(module, torch.linspace(-12, 12, 240_001).double()).max()
        slopes.append(slope.flatten())
        outputs.append(out.flatten())
        inputs.append(z.flatten())
        for unit in range(z.shape[1]):
            if isinstance(module, nn.Sigmoid | nn.Tanh):
                flat.append(float((slope[:, unit] < 0.05).double().mean()) > 0.9)
            rare.append(float((out[:, unit] != 0).double().mean()) < 0.01)
            faint.append(float((out[:, unit].abs() < 1e-5).double().mean()) >= 0.95)
    z, out = torch.cat(inputs), torch.cat(outputs)
    found = {
        "slope_mean": float(torch.cat(slopes).mean()),
        "nonpositive_fraction": float((out <= 0).double().mean()),
        "large_input_fraction": float((z.abs() >= 5).double().mean()),
        "extreme_input_fraction": float((z.abs() >= 9.5).double().mean()),
        "rare_units": sum(rare) / len(rare),
        "faint_units": sum(faint) / len(faint),
    }
    (kind,) = {type(module) for module in used}
    if kind is nn.Sigmoid:
        found["boundary_mean"] = float((out - 0.5).abs().mean() / 0.5)
    if kind is nn.Tanh:
        found["boundary_mean"] = float(out.abs().mean())
    return found | ({"saturated_units": sum(flat) / len(flat)} if flat else {})


def by_autograd(module: nn.Module, points: Tensor) -> Tensor:
    points = points.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(module.forward(points).sum(), points)
    return gradient.abs()


TWINS = [
    ["architecture=mlp", "activation=sigmoid"],
    ["architecture=mlp", "activation=prelu"],
    ["architecture=mlp", "activation=tanh", "initializer=normal_01"],
    ["architecture=residual_mlp", "activation=gelu", "normalizer=layer"],
    ["architecture=plain_cnn", "activation=tanh"],
    ["architecture=resnet", "activation=relu", "normalizer=none"],
    ["architecture=highway_mlp", "activation=relu"],
    ["architecture=rnn", "activation=sigmoid"],  # has no fused kernel: its activation runs once a time step
    ["architecture=lstm", "architecture.layers=2", "architecture.bidirectional=true"],
    ["architecture=gru", "architecture.candidate=activation", "activation=relu"],
    ["architecture=lstm", "dataset=copy_memory", "dataset.delay=5"],  # an answer at every step
    ["architecture=lstm", "dataset=adding", "dataset.length=12", "trainer.batch_size=16"],  # a regression
    ["architecture=transformer", "activation=gelu", "architecture.dropout=0"],
    ["architecture=vit", "activation=relu", "architecture.dropout=0"],
]


@pytest.mark.parametrize("words", TWINS, ids=" ".join)
def test_every_column_has_an_autograd_twin(words: list[str]) -> None:
    loop = small_build(compose(*words, "monitor.probe_images=11", "trainer.max_steps=1"))
    model, probe = loop.model.train(), loop.monitor.probe
    assert isinstance(model, Architecture)
    assert probe is not None
    expected = twin_rows(model, probe)
    rows = flow_rows(model, model.stages(), probe, 7)
    assert len(rows) == len(expected)
    for row, expected_row in zip(rows, expected, strict=True):
        assert row.step == 7
        for name, value in expected_row.items():
            known = pytest.approx(value, rel=3e-4, abs=1e-12, nan_ok=True)
            assert getattr(row, name) == known, (row.name, name)
        assert all(math.isnan(getattr(row, name)) for name in set(FIGURES) - set(expected_row)), row.name
