"""What a diagnosis is made of: symptoms with their evidence, the consequence, the verdict."""

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal[
    "healthy",
    "vanishing",
    "exploding",
    "dead units",
    "saturated",
    "collapsed",
    "symmetric",
    "update too small",
    "unstable",
    "plateau",
    "diverged",
    "undecided",
]
"""undecided: too little is on record to say anything, healthy included."""

Axis = Literal["", "depth", "time"]
"""Along which axis a signal vanishes or explodes."""


@dataclass(frozen=True)
class Evidence:
    """One statistic beside the threshold it passed.

    value with its 95 % interval, low to high (equal to value where there is none); threshold: see thresholds.py.
    statistic: in words, with its unit, as it stands before the figure: 'dead units of the layer'.
    """

    statistic: str
    value: float
    low: float
    high: float
    threshold: float

    @classmethod
    def exact(cls, statistic: str, value: float, threshold: float) -> "Evidence":
        """A statistic that is counted, not estimated."""
        return cls(statistic, value, value, value, threshold)

    @property
    def certain(self) -> bool:
        """Whether the whole interval lies beyond the threshold."""
        return (self.low > self.threshold) or (self.high < self.threshold)


@dataclass(frozen=True)
class Symptom:
    """Something wrong with the signal, whether it does harm or not.

    stage: number of the stage in depth order that it is seen at, None if it is the whole network's; place: the stage's
    name; lag: time steps back from the end, for the axis time; onset: the first step from which on it was always seen.
    """

    verdict: Verdict
    evidence: Evidence
    onset: int
    axis: Axis = ""
    stage: int | None = None
    place: str = ""
    lag: int | None = None


@dataclass(frozen=True)
class Consequence:
    """What became of the training. since: the first step of it; words: with the figures it rests on. shown: where it is
    none, whether so much has been learned by now (SLOW) that it is beyond doubt."""

    kind: Literal["none", "slow", "stall", "regression", "divergence"]
    since: int
    words: str
    shown: bool = True

    @property
    def harm(self) -> bool:
        """Whether it is one, for a network with a symptom."""
        return self.kind != "none"


@dataclass(frozen=True)
class Remedy:
    """Something to change. words: what and why; overrides: the same for a composed run, as on its command line."""

    words: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on one run up to the step `seen`.

    cause: the symptom that the verdict names, None for healthy, plateau, diverged and undecided. runner_up: the next
    best explanation. notes: symptoms that did no harm, a line each. sure: how sure, from the interval of the cause; of
    a healthy run, from how much it has learned. remedies: the most promising one first.
    """

    verdict: Verdict
    consequence: Consequence
    seen: int
    cause: Symptom | None = None
    runner_up: Symptom | None = None
    sure: Literal["certain", "likely", "unclear"] = "certain"
    notes: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = field(default=())

    @property
    def label(self) -> str:
        """The verdict with its axis: 'vanishing (depth)'."""
        return f"{self.verdict} ({self.cause.axis})" if self.cause is not None and self.cause.axis else self.verdict
