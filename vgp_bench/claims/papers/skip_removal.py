"""skip-removal: accuracy of a ResNet-18 with and without its skip connections, the learning rate tuned for each."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from vgp_bench.claims.by_name import arms_of
from vgp_bench.claims.checks import Check, judged
from vgp_bench.claims.drawing.expectations import expectations
from vgp_bench.claims.error_rates import percent_right
from vgp_bench.claims.evidence import Evidence
from vgp_bench.claims.tuned import difference, tuned


def check(evidence: Evidence) -> list[Check]:
    found = []
    for name, expected in evidence.scale.expect.items():
        sides = [tuned(evidence, percent_right, arm) for arm in arms_of(name) if arm]
        found.append(judged(expected, difference(*sides) if len(sides) == 2 else sides[0]))
    return found


def picture(evidence: Evidence, checks: Sequence[Check]) -> Figure:
    return expectations("ResNet-18 with and without skip connections, each at its best rate", checks)
