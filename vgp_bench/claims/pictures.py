"""The picture of a judged claim, where there is something to draw."""

from matplotlib.figure import Figure

from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.registry import reading_of
from vgp_bench.errors import ResultsError


def drawn(one: Judgement) -> Figure | None:
    """None if nothing was measured, or not all that the picture shows."""
    if one.gathered is None:
        return None
    complete = not any(observed.missing for observed in one.gathered.evidence.observed)
    try:
        return reading_of(one.claim).picture(one.gathered.evidence, one.checks)
    except ResultsError:
        return None
    except (LookupError, ValueError):
        if complete and not any(observed.diverged for observed in one.gathered.evidence.observed):
            raise
        return None
