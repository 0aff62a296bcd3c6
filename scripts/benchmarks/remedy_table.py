"""What scripts/score_doctor writes: how often remedies repair, then every network with what was tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from diagnosis_set.cases import Labelled

from benchmarks.forecast_tables import wilson
from vgp_bench.doctor.scoring import MARGIN

REMEDIES = 3
HOW_LONG = (
    "How long follows from what a network is, not from how it fared: those with a memory to learn (recurrent ones, and "
    "any on sequences) have the larger number of steps, all of them the same, since they stay near chance at first "
    "even when nothing is wrong."
)
TUNED = (
    "Part: held out are the families that no threshold of the verdicts was set on. Which remedies come first was "
    "improved on mlp/ and cnn/, then on adding/ and recurrent/, so the share of `development` is not that of networks "
    "never seen; that sequences need more steps was seen on all of theirs, with 120 steps. With 120 for every network "
    "the first remedy repaired 79 of 91 and one of the first three 81; two of these, recurrent/pixels-sigmoid (a later "
    "remedy) and recurrent/lstm-pixels-forgets (none), are well after 1000 steps as they are, and left out then."
)


@dataclass(frozen=True)
class Score:
    """One network: the verdict, the remedies in their order and whether each repairs, and the winner, "" for none.
    learned: with each of them, from chance (0) to perfection (1), see scoring.way, mean over seeds; won: None if
    nothing was searched; steps: of each trial."""

    case: Labelled
    verdict: str
    steps: int
    remedies: tuple[str, ...]
    repaired: tuple[bool, ...]
    learned: tuple[float, ...]
    winner: str = ""
    won: bool | None = None

    @property
    def best(self) -> bool:
        return any(self.repaired[:REMEDIES])

    @property
    def above_chance(self) -> "Score":
        """With those remedies alone that also bring it clearly above chance, wherever it was."""
        both = zip(self.repaired, self.learned, strict=True)
        return replace(self, repaired=tuple(good and far > MARGIN for good, far in both), won=None)


def text(scores: Sequence[Score], healthy: Sequence[str], preface: Sequence[str]) -> str:
    """The shares, together, by part and by family, then every network."""
    rows = [("all", list(scores)), ("all, above chance", [score.above_chance for score in scores])]
    for of in (lambda s: s.case.part, lambda s: s.case.family):
        rows += [(name, [s for s in scores if of(s) == name]) for name in sorted({of(s) for s in scores})]
    lines = ["# Remedies, scored", "", *preface, ""]
    lines += [
        "| networks | first remedy repairs | one of the first three | winner of the doctor |",
        "|---|---|---|---|",
    ]
    for name, some in rows:
        first, three = [bool(s.repaired[:1] == (True,)) for s in some], [s.best for s in some]
        won = [s.won for s in some if s.won is not None]
        lines.append(f"| {name} | {_share(first)} | {_share(three)} | {_share(won)} |")
    lines += ["", "| network | steps | verdict | remedies: + repairs, - does not | winner |", "|---|---|---|---|---|"]
    for s in scores:
        each = zip(s.remedies, s.repaired, s.learned, strict=True)
        tried = "; ".join(f"{'+' if good else '-'} {name} ({far:.2f})" for name, good, far in each)
        best = s.winner or ("-" if s.won is None else "none")
        lines.append(f"| {s.case.name} | {s.steps} | {s.verdict} | {tried} | {best} |")
    lines += ["", f"Left out, since with so many steps nothing is wrong or not yet: {', '.join(healthy) or 'none'}."]
    return "\n".join(lines) + "\n"


def _share(hits: Sequence[bool]) -> str:
    if not hits:
        return "-"
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)}/{len(hits)} = {100 * sum(hits) / len(hits):.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
