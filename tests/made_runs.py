"""Run directories made up for tests: their figures are known in advance because they are put in by hand."""

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vgp_bench.records.identity import run_id
from vgp_bench.records.rows import EpochRow, LayerRow, ProbeRow, StepRow
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.records.summary import Summary

ENVIRONMENT = {
    "device": "cpu",
    "versions": {"vgp-bench": "0.1.0", "torch": "2.11.0"},
    "code": {"commit": "0123456789abcdef", "dirty": False},
}


def layer_row(**values: Any) -> LayerRow:
    """A layer row of which only the given columns were measured."""
    default: dict[type, Any] = {int: 0, float: math.nan, str: ""}
    row = {f.name: default[f.type] for f in fields(LayerRow)}  # type: ignore[index]
    return LayerRow(**(row | values))


def layer_rows(gradients: Sequence[float], step: int = 0, per_stage: int = 1, **values: Any) -> list[LayerRow]:
    """One row a hidden stage, gradients in depth order, and one for the output."""
    rows = [
        layer_row(
            step=step,
            stage=i,
            name=f"h{i}",
            kind="hidden",
            depth=1 + i * per_stage,
            activation_gradient_l2=gradient,
            nonfinite_activation_gradients=0 if math.isfinite(gradient) else 3,
            **values,
        )
        for i, gradient in enumerate(gradients)
    ]
    depth = 1 + len(gradients) * per_stage
    output = layer_row(
        step=step, stage=len(gradients), name="out", kind="output", depth=depth, activation_gradient_l2=0.5
    )
    return [*rows, output]


def probe_rows(sensitivity: Sequence[float], step: int = 0, output: float = 1.0, **values: Any) -> list[ProbeRow]:
    """One row a hidden stage, S_l in depth order, and one for the output, whose mean ||dL/dy|| is `output`."""
    default: dict[type, Any] = {int: 0, float: math.nan, str: ""}
    row = {f.name: default[f.type] for f in fields(ProbeRow)} | {"step": step}  # type: ignore[index]
    last = len(sensitivity)
    hidden = [
        ProbeRow(**(row | {"stage": i, "name": f"h{i}", "kind": "hidden", "depth": i + 1, "sensitivity": s} | values))
        for i, s in enumerate(sensitivity)
    ]
    end = {"stage": last, "name": "out", "kind": "output", "depth": last + 1, "sample_gradient": output}
    return [*hidden, ProbeRow(**(row | end))]


def step_rows(losses: Sequence[float]) -> list[StepRow]:
    """One row a step, from 0."""
    nan = math.nan
    return [StepRow(step, 0, 0.1, loss, 0.5, nan, nan) for step, loss in enumerate(losses)]


def epoch_rows(accuracies: Sequence[float], steps: int = 10) -> list[EpochRow]:
    """One row a pass of so many steps, with these validation accuracies."""
    return [
        EpochRow(i, (i + 1) * steps, 1.0, accuracy, 1.0, accuracy, 100.0, float(i + 1))
        for i, accuracy in enumerate(accuracies)
    ]


def mlp_config(seed: int = 0, depth: int = 3, activation: str = "ReLU", **keys: Any) -> dict[str, Any]:
    """A config as a run has it, resolved; further keys go to the top level."""
    return {
        "architecture": {"_target_": "vgp_bench.architectures.mlp.MLP", "depth": depth, "width": 64},
        "activation": {"_target_": f"torch.nn.{activation}", "_partial_": True},
        "optimizer": {"_target_": "torch.optim.SGD", "lr": 0.1},
        "seed": seed,
        "results_dir": "results",
        "experiment_name": "made",
        **keys,
    }


def make_run(
    results: Path,
    config: dict[str, Any],
    choices: dict[str, str] | None = None,
    *,
    state: Any = "completed",
    layers: Sequence[LayerRow] = (),
    epochs: Sequence[EpochRow] = (),
    steps: Sequence[StepRow] = (),
    probes: Sequence[ProbeRow] = (),
    environment: dict[str, Any] = ENVIRONMENT,
    **figures: Any,
) -> Path:
    """Writes a run directory; without figures it gets no summary. Returns its path."""
    if choices is None:
        choices = {"architecture": "mlp", "activation": config["activation"]["_target_"].split(".")[-1].lower()}
    path = run_path(results, config.get("experiment_name", "made"), run_id(config))
    store = RunStore(path)
    store.begin(config, choices, environment)
    for row in (*layers, *epochs, *steps, *probes):
        store.append(row)
    store.flush()
    if state != "running":
        summary = Summary(**{"parameters": 1000, "epochs": 1, "steps": 10, **figures}) if figures else None
        store.finish(state, summary)
    return path
