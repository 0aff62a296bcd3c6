"""Gated recurrent unit (Cho et al. 2014) in the form that torch and cuDNN compute."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgp_bench.architectures.candidate import Candidate, FixedTanh, squash
from vgp_bench.architectures.parts import Parts
from vgp_bench.architectures.recurrent_kernel import GRU as GRU_KERNEL
from vgp_bench.architectures.recurrent_kernel import FusedKernel
from vgp_bench.architectures.recurrent_layer import Cell, State
from vgp_bench.architectures.recurrent_stack import RecurrentStack, check_cell
from vgp_bench.components.gates import GateLinear
from vgp_bench.data.sequences import SequenceShape


class GRUCell(Cell):
    """h_t = (1 - z) n + z h_(t-1), n = tanh(W_x x_t + b_x + r (W_h h_(t-1) + b_h)); gates r, z, n in this order.

    r, z = sigmoid(.). In the paper r multiplies h_(t-1) before W_h (and in Chung et al. 2014
    z and 1 - z change places). With a normalizer
    W x and W h become N(W x) and N(W h), in which r and z share one N and n has its own (Ba et al. 2016, supplement).
    candidate: tanh, or activation for the run's in its place.
    """

    def __init__(self, features: int, hidden: int, parts: Parts, candidate: Candidate) -> None:
        super().__init__(
            GateLinear(features, hidden, 3, normalizer=_gate_norms(parts, hidden)),
            GateLinear(hidden, hidden, 3, normalizer=_gate_norms(parts, hidden)),
        )
        self.normalizes = parts.normalizer.normalizes
        self.squash_candidate = squash(candidate, parts)

    @property
    def kernel(self) -> FusedKernel | None:
        standard = not self.normalizes and isinstance(self.squash_candidate, FixedTanh)
        return GRU_KERNEL if standard else None

    def step(self, from_input: Tensor, state: State) -> State:
        (h,) = state
        sizes = [2 * self.hidden, self.hidden]
        gates_input, candidate_input = from_input.split(sizes, dim=-1)
        gates_hidden, candidate_hidden = self.hidden_to_hidden(h).split(sizes, dim=-1)
        r, z = torch.sigmoid(gates_input + gates_hidden).chunk(2, dim=-1)
        n = self.squash_candidate(candidate_input + r * candidate_hidden)
        return ((1 - z) * n + z * h,)


class GRU(RecurrentStack):
    """layers GRU layers of hidden units and a linear classifier: layers + 1 weight layers in depth.

    The cells' tanh stays tanh whatever the run's activation is, unless candidate is `activation`.
    """

    def __init__(
        self,
        sequence: SequenceShape,
        parts: Parts,
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        candidate: Candidate = "tanh",
    ) -> None:
        check_cell(parts, hidden, layers)
        super().__init__(
            sequence,
            lambda features: GRUCell(features, hidden, parts, candidate),
            hidden,
            layers,
            bidirectional,
            dropout,
        )


class SplitNorm(nn.Module):
    """Normalizes consecutive parts of the last axis, each by itself. sizes: of the parts."""

    def __init__(self, parts: Parts, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.layers = nn.ModuleList(parts.normalizer.layer(size, spatial=False) for size in sizes)

    def forward(self, x: Tensor) -> Tensor:
        pieces = x.split(self.sizes, dim=-1)
        return torch.cat([layer(piece) for layer, piece in zip(self.layers, pieces, strict=True)], dim=-1)


def _gate_norms(parts: Parts, hidden: int) -> nn.Module | None:
    return SplitNorm(parts, [2 * hidden, hidden]) if parts.normalizer.normalizes else None
