"""All claims. The folder is the registry: papers/NAME.yaml with papers/NAME.py beside it."""

import functools
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vgp_bench.claims.claim import Claim, read_claim
from vgp_bench.config_check import did_you_mean
from vgp_bench.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vgp_bench.claims.checks import Check
    from vgp_bench.claims.evidence import Evidence

PAPERS = Path(__file__).parent / "papers"


class Reading(Protocol):
    """The module of a claim."""

    def check(self, evidence: "Evidence") -> "list[Check]":
        """A check for each expectation of the scale, in their order."""

    def picture(self, evidence: "Evidence", checks: "Sequence[Check]") -> "Figure":
        """What shows it best: a predicted line against measured points wherever there is a formula."""


@functools.cache
def claims() -> dict[str, Claim]:
    """Every claim by name, the oldest first. Raises ConfigError if a file has a form it cannot have."""
    found = [read_claim(path) for path in sorted(PAPERS.glob("*.yaml"))]
    return {claim.name: claim for claim in sorted(found, key=lambda claim: (claim.year, claim.name))}


def claim_named(name: str) -> Claim:
    """Raises UserError, with the nearest name, if there is none of this one."""
    known = claims()
    if name not in known:
        raise UserError(f"{name}: no such claim.{did_you_mean(name, list(known))} See `vgp-bench reproduce`")
    return known[name]


def reading_of(claim: Claim) -> Reading:
    """The module that judges it."""
    module: Reading = importlib.import_module(f"vgp_bench.claims.papers.{claim.path.stem}")  # type: ignore[assignment]
    return module
