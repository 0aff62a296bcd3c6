"""Singular values of the input-output Jacobian d logits / d input: what the whole depth does to a small difference.

All near 1 is dynamical isometry (Saxe et al. 2014; Pennington et al. 2017): a difference of inputs reaches the output
at its own size, and an error the input. At infinite width their mean square shrinks by chi_1 a layer.
"""

import copy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vgp_bench.monitor.flow import SAMPLES
from vgp_bench.monitor.probing import untouched
from vgp_bench.probe.batch_mates import mixes_inputs

INPUTS = 4
"""Inputs whose Jacobian is taken."""
MOST_OUTPUTS = 32
"""Rows of it: a backward pass each. Of more logits the first ones are taken."""


class Spectrum(NamedTuple):
    """values: (inputs, logits), each row descending, in logits per unit of the normalized input.

    outputs: how many logits there are; rows were taken for the first MOST_OUTPUTS of them.
    """

    values: NDArray[np.float64]
    outputs: int


def spectrum(model: nn.Module, inputs: Tensor) -> Spectrum:
    """Singular values of d logits_i / d x_i for the first INPUTS inputs; with an answer at every step, of the last.

    The network is seen as it trains. In float64, on a copy of it: in float32 what is below 1e-7 of the largest value is
    rounding. Where batch normalization mixes the inputs they stand in a batch of SAMPLES; what an input does to the
    logits of the others is left out.
    """
    twin = copy.deepcopy(model).double()
    mixes = mixes_inputs(twin)
    x = inputs[: SAMPLES if mixes else INPUTS].double().requires_grad_(True)
    with untouched(twin), torch.enable_grad():
        logits = twin(x)
        if logits.ndim == 3:
            logits = logits[:, -1]
        jacobians = _each(logits, x) if mixes else _together(logits, x)
    if not jacobians.isfinite().all():  # of such a matrix there are no singular values
        return Spectrum(np.full((len(jacobians), min(jacobians.shape[1:])), np.nan), logits.shape[1])
    return Spectrum(np.asarray(torch.linalg.svdvals(jacobians).cpu(), dtype=np.float64), logits.shape[1])


def _each(logits: Tensor, x: Tensor) -> Tensor:
    """(inputs, logits, values of an input): a backward pass for each row of each input."""
    rows = [[_gradient(logits[i, k], x)[i] for k in _rows(logits)] for i in range(min(INPUTS, len(x)))]
    return torch.stack([torch.stack(of_input) for of_input in rows]).flatten(2)


def _together(logits: Tensor, x: Tensor) -> Tensor:
    """The same where no input reaches another one's logits: one backward pass serves all inputs."""
    return torch.stack([_gradient(logits[:, k].sum(), x) for k in _rows(logits)], dim=1).flatten(2)


def _rows(logits: Tensor) -> range:
    return range(min(MOST_OUTPUTS, logits.shape[1]))


def _gradient(value: Tensor, x: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True, materialize_grads=True)
    return gradient
