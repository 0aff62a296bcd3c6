"""How good the verdicts are, as figures: shares with their intervals, precision and recall, delays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis_set.cases import Labelled
from diagnosis_set.judging import Judgement

Z = 1.959964  # 97.5 % quantile of the normal distribution
NEAR = 1
"""Stages by which a place may be missed."""

Judged = Sequence[tuple[Labelled, Judgement]]


@dataclass(frozen=True)
class Share:
    """hits of count."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        return self.hits / self.count if self.count else float("nan")

    @property
    def wilson(self) -> tuple[float, float]:
        """The 95 % interval of Wilson 1927, which holds for 0 hits too."""
        if not self.count:
            return float("nan"), float("nan")
        n, p = self.count, self.value
        middle, margin = p + Z**2 / (2 * n), Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        low, high = (middle - margin) / (1 + Z**2 / n), (middle + margin) / (1 + Z**2 / n)
        return max(0.0, float(low)), min(1.0, float(high))


@dataclass(frozen=True)
class Symptom:
    """One verdict. recall: of the cases with this label, those in which it, or another right one, is said.
    precision: of the cases in which it is said, those in which it is right."""

    recall: Share
    precision: Share

    @property
    def f1(self) -> float:
        """2 hits / (labelled + said), which is the harmonic mean of the two where they have the same hits."""
        both = self.recall.count + self.precision.count
        return (self.recall.hits + self.precision.hits) / both if both else float("nan")


def pairs(cases: Sequence[Labelled], judgements: Mapping[str, Judgement]) -> list[tuple[Labelled, Judgement]]:
    return [(case, judgements[case.name]) for case in cases]


def share(judged: Judged, of: Callable[[Labelled], bool], hit: Callable[[Labelled, Judgement], bool]) -> Share:
    """Of the cases that are of this kind, those that are a hit."""
    chosen = [(case, judgement) for case, judgement in judged if of(case)]
    return Share(sum(hit(*pair) for pair in chosen), len(chosen))


def exact(judged: Judged) -> Share:
    return share(judged, lambda case: True, lambda case, judgement: judgement.is_right(case))


def exact_of_faulty(judged: Judged) -> Share:
    return share(judged, lambda case: case.kind == "faulty", lambda case, judgement: judgement.is_right(case))


def strict(judged: Judged) -> Share:
    """The same by the label alone: another verdict that describes the fault as well does not count."""
    return share(judged, lambda case: case.kind == "faulty", lambda case, found: found.verdicts == {case.label})


def alarms(judged: Judged, kind: str) -> Share:
    """Of the healthy cases, or of the look-alikes, those in which something is said to be wrong."""
    return share(judged, lambda case: case.kind == kind, lambda case, judgement: bool(judgement.verdicts))


def symptoms(judged: Judged) -> dict[str, Symptom]:
    """Every verdict that is a label; `healthy` is what is said where no alarm is raised."""
    labels = sorted({case.label for case, _ in judged})
    return {label: _symptom(label, judged) for label in labels}


def _symptom(label: str, judged: Judged) -> Symptom:
    def said(judgement: Judgement) -> frozenset[str]:
        return judgement.verdicts or frozenset({"healthy"})

    recall = share(judged, lambda case: case.label == label, lambda case, found: bool(said(found) & case.answers))
    claims = [case for case, judgement in judged if label in said(judgement)]
    return Symptom(recall, Share(sum(label in case.answers for case in claims), len(claims)))


def macro_f1(judged: Judged) -> float:
    """The mean of F1 over the labels, `healthy` among them."""
    return float(np.mean([symptom.f1 for symptom in symptoms(judged).values()]))


def delays(judged: Judged) -> list[int]:
    """Steps from onset to verdict, of the cases that are right at the end."""
    return [judgement.delay for _, judgement in judged if judgement.delay is not None]


def early(judged: Judged) -> Share:
    """Of the faults that begin later, those with an alarm before."""
    return share(judged, lambda case: case.onset > 0, lambda case, judgement: judgement.early)


def place(judged: Judged) -> Share:
    """Of the local faults that are called by their label, those whose stage is named right within NEAR; of a rule set
    that names no stages, none."""
    local = [(c.stage, j.stage) for c, j in judged if c.stage is not None and j.verdicts == {c.label}]
    if all(said is None for _, said in local):
        return Share(0, 0)
    return Share(sum(said is not None and abs(said - stage) <= NEAR for stage, said in local), len(local))


def axis(judged: Judged) -> Share:
    """Of the vanishing signals of a known axis that are called so, those whose axis is right; of a rule set that names
    none, none."""
    hits = [(c.axis, j.axis) for c, j in judged if c.axis and c.label == "vanishing" and j.verdicts == {"vanishing"}]
    return Share(sum(said == axis for axis, said in hits), len(hits) if any(said for _, said in hits) else 0)


def cost(judged: Judged) -> float:
    """Seconds of a core to judge a run, the median."""
    return float(np.median([judgement.seconds for _, judgement in judged]))
