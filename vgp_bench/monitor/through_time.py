"""The gradient through time: ||dL/dh_t||_2 for every time step of a recurrent layer (Hochreiter 1991; Pascanu 2013).

dL/dh_t is the total derivative, through all later steps and layers. It is taken in float64 on a copy of the network: in
float32 what decays by .58 a step is zero after 190 steps, in float64 after 1300. A norm below 1e-300
(records.time_signal.SMALLEST) is not to be trusted, as single values of it may have become 0.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from vgp_bench.architectures.recurrent import HiddenStates, Recurrent
from vgp_bench.data.objectives import Objective
from vgp_bench.records.rows import TimeRow

SEQUENCES = 64
"""Sequences of the probe set that are looked at: a norm over a batch needs no more, and unrolling is slow."""


def time_rows(model: Recurrent, inputs: Tensor, targets: Tensor, objective: Objective, step: int) -> list[TimeRow]:
    """The rows of one network at one step, layer by layer, from the first time step to the last.

    inputs: (n, length, features). The loss is the mean over the n sequences; with an answer at every step, that
    of the last answer alone: else each h_t would have a loss of its own beside it, and nothing could vanish. The
    network is seen as it trains, in its present mode; it and the random state stay as they are.
    """
    twin = copy.deepcopy(model).double()
    for parameter in twin.parameters():
        parameter.requires_grad_(True)  # so that every state is part of the graph, whatever is frozen
    devices = [inputs.device] if inputs.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        outputs, layers = twin.unrolled(inputs.double())
        if outputs.ndim == 3:
            outputs, targets = outputs[:, -1], targets[:, -1]
        loss = objective.loss(outputs, targets.double() if targets.is_floating_point() else targets)
        tensors = [tensor for layer in layers for tensor in [*layer.states, *layer.cells]]
        gradients = torch.autograd.grad(loss, tensors, materialize_grads=True)
    norms = iter(torch.stack([_norm(gradient) for gradient in gradients]).tolist())
    rows = []
    for layer in layers:
        states = [next(norms) for _ in layer.states]
        cells = [next(norms) for _ in layer.cells]
        rows += _rows_of(layer, states, cells, step)
    return rows


def _rows_of(layer: HiddenStates, states: Sequence[float], cells: Sequence[float], step: int) -> list[TimeRow]:
    length = len(states)
    return [
        TimeRow(
            step=step,
            layer=layer.layer,
            direction=layer.direction,
            time=index + 1,
            lag=length - 1 - index if layer.direction == "forward" else index,
            state_gradient_l2=norm,
            cell_gradient_l2=cells[index] if cells else float("nan"),
        )
        for index, norm in enumerate(states)
    ]


def _norm(gradient: Tensor) -> Tensor:
    """||g||_2 without squaring values whose square float64 cannot hold."""
    largest = gradient.abs().amax()
    norm: Tensor = largest * torch.linalg.vector_norm(gradient / largest.clamp_min(1e-307))
    return norm
