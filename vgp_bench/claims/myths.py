"""What popular articles say, beside what a formula gives and what a claim has measured.

Each entry of myths.yaml: `sentence`, as it is told; `answer`, what is right, and where it is from; `computed`, a name
in COMPUTED, where arithmetic answers; `claim` and `figures`, where one of our claims measures it.
"""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vgp_bench.claims.kept_verdicts import KeptVerdict

FILE = Path(__file__).parent / "myths.yaml"
WIDTH, LABEL = 80, 10


@dataclass(frozen=True)
class Myth:
    """See the module. figures: names of expectations of the claim; none for all."""

    sentence: str
    answer: str
    computed: str = ""
    claim: str = ""
    figures: tuple[str, ...] = ()


def myths() -> list[Myth]:
    """All of the file, in its order."""
    import yaml

    entries = yaml.safe_load(FILE.read_text())
    return [
        Myth(
            **{key: " ".join(str(value).split()) for key, value in entry.items() if key != "figures"},
            figures=tuple(entry.get("figures", ())),
        )
        for entry in entries
    ]


def text(found: Sequence[Myth], kept: Sequence[KeptVerdict]) -> str:
    """Each sentence with its answer, what is computed here and now, and what was measured on this machine."""
    lines: list[str] = []
    for number, myth in enumerate(found, 1):
        lines += textwrap.wrap(f'{number}. "{myth.sentence}"', WIDTH, subsequent_indent="   ")
        lines += _labelled("answer", myth.answer)
        if myth.computed:
            lines += _labelled("computed", COMPUTED[myth.computed]())
        if myth.claim:
            lines += _labelled("measured", "; ".join(_measured(myth, kept)))
        lines.append("")
    return "\n".join(lines[:-1])


def _measured(myth: Myth, kept: Sequence[KeptVerdict]) -> list[str]:
    """What the claim has found, at each scale that has the figures; how to have it measured, if it was not."""
    told = []
    for one in sorted((one for one in kept if one.claim == myth.claim), key=lambda one: one.scale):
        checks = [check for check in one.checks if not myth.figures or check.name in myth.figures]
        figures = ", ".join(f"{check.name} {check.measured} {check.unit}, {check.verdict}" for check in checks)
        if checks:
            told.append(f"{myth.claim}, {one.scale}: {figures.replace('_', ' ')}")
    return told or [f"not yet; run `vgp-bench reproduce {myth.claim}`"]


def _labelled(label: str, words: str) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=f"   {label:<{LABEL}}", subsequent_indent=" " * (LABEL + 3), break_on_hyphens=False
    )


def _powers() -> str:
    return f".9^100 = {0.9**100:.2e}"


def _sigmoid_bound() -> str:
    return f".25^20 = {0.25**20:.1e}; with weights twice as large as 1 it is {0.5**20:.1e}"


def _largest_slopes() -> str:
    """Of gelu and silu, from their definitions, on a fine grid."""
    x = [i / 10000 for i in range(-60000, 60001)]
    gelu = max(0.5 * (1 + math.erf(v / math.sqrt(2))) + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi) for v in x)
    sigmoid = [1 / (1 + math.exp(-v)) for v in x]
    silu = max(s * (1 + v * (1 - s)) for v, s in zip(x, sigmoid, strict=True))
    return f"largest slope of GELU {gelu:.4f}, of SiLU/Swish {silu:.4f}"


def _left_slopes() -> str:
    """Of elu, gelu and silu at x = -8."""
    x = -8.0
    elu = math.exp(x)
    gelu = 0.5 * (1 + math.erf(x / math.sqrt(2))) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    s = 1 / (1 + math.exp(-x))
    return f"slope at x = -8: ELU {elu:.1e}, GELU {gelu:.1e}, SiLU {s * (1 + x * (1 - s)):.1e}"


def _forget_gate() -> str:
    half = 1 / (1 + math.exp(0.0))
    return f"direct path at forget bias 0, so f = 1/2, over 100 steps: {half**100:.1e}"


def _balanced() -> str:
    depth, lowest = 0, 0
    for symbol in "()()()":
        depth += 1 if symbol == "(" else -1
        lowest = min(lowest, depth)
    return "()()() closes what it opens" if depth == 0 and lowest == 0 else "()()() is not balanced"


COMPUTED: Mapping[str, Callable[[], str]] = {
    "powers": _powers,
    "sigmoid_bound": _sigmoid_bound,
    "largest_slopes": _largest_slopes,
    "left_slopes": _left_slopes,
    "forget_gate": _forget_gate,
    "balanced": _balanced,
}
