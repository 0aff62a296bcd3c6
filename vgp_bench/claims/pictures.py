"""The picture of a judged claim, where there is something to draw."""

from matplotlib.figure import Figure

from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.registry import reading_of
from vgp_bench.errors import ResultsError


def drawn(one: Judgement) -> Figure | None:
    """None if nothing was measured, or not all that the picture shows."""
    if one.gathered is None:
        return None
    observed = one.gathered.evidence.observed
    if all(cell.missing for cell in observed):
        return None
    complete = not any(cell.missing or cell.diverged for cell in observed)
    try:
        return reading_of(one.claim).picture(one.gathered.evidence, one.checks)
    except ResultsError:
        return None
    except (LookupError, ValueError):
        if complete:
            raise
        return None
