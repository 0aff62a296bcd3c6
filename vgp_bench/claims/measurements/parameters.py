"""The size of a network: its trainable parameters, in millions."""

from vgp_bench.claims.evidence import Measured
from vgp_bench.claims.untrained import untrained
from vgp_bench.config import ComposedRun


def measure(composed: ComposedRun) -> Measured:
    """millions: of trainable parameters."""
    model = untrained(composed).model
    return {"millions": [sum(one.numel() for one in model.parameters() if one.requires_grad) / 1e6]}
