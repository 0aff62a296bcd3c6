"""From symptoms and consequence to one verdict."""

import importlib
import pkgutil
from functools import cache
from typing import Literal, Protocol

import numpy as np

from vgp_bench.diagnosis import symptoms
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.consequence import consequence_of
from vgp_bench.diagnosis.finding import Consequence, Diagnosis, Symptom, Verdict
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.looks import looks
from vgp_bench.diagnosis.remedies import remedies_for
from vgp_bench.diagnosis.sentences import note
from vgp_bench.diagnosis.symptoms import collapsed, small_updates
from vgp_bench.diagnosis.thresholds import DEAD, INPUT_SHARE, PATIENCE, SETTLED


class _Module(Protocol):
    RANK: int

    @staticmethod
    def find(case: Case) -> Symptom | None: ...


_SIGNAL: set[Verdict] = {"vanishing", "collapsed"}
_EXPLAINED: dict[Verdict, set[Verdict]] = {
    "symmetric": {*_SIGNAL, "dead units", "saturated", "update too small"},
    "update too small": set(),
    "exploding": {"exploding", "saturated", "dead units", "unstable", *_SIGNAL},
    "saturated": _SIGNAL,
    "dead units": _SIGNAL,
    "vanishing": {"collapsed"},
    "collapsed": set(),
    "unstable": {"exploding", "saturated", "dead units", *_SIGNAL},
}
"""What goes along with a cause, and is no other explanation beside it."""


_ONLY_SLOWS: set[Verdict] = {"update too small", "symmetric"}
_INNOCENT: dict[str, set[Verdict]] = {"regression": _ONLY_SLOWS, "divergence": {*_ONLY_SLOWS, *_SIGNAL}}
"""What cannot have led to it: small steps and equal units only hold a training back. A signal that is lost on the way
leaves an answer that is the same for every input: what was learned is gone, but worse than chance it does not get."""
_OF_A_STALL = (small_updates.find_unmoved, collapsed.find_faint)
"""What explains a stall that nothing else does, the likelier first. They are asked where there is one: none of them
raises an alarm."""


def diagnose(case: Case) -> Diagnosis:
    """The verdict at the end of the record. Nothing in it depends on what came later: see Case.until."""
    found = symptoms_of(case)
    consequence = _unless_of_one_answer(consequence_of(case), case, found)
    verdict, cause, runner_up = _verdict(case, found, consequence)
    doubtful = not consequence.shown if verdict == "healthy" else cause not in found
    return Diagnosis(
        verdict=verdict,
        consequence=consequence,
        seen=case.last_step,
        cause=cause,
        runner_up=runner_up,
        sure=_sure(verdict, cause, runner_up, doubtful),
        notes=tuple(note(symptom) for symptom in found if symptom not in (cause, runner_up)),
        remedies=remedies_for(verdict, cause, Known.of(case)),
    )


def symptoms_of(case: Case) -> list[Symptom]:
    """What is wrong with the signal at the end of the record, harm or no harm; what explains the others first."""
    found = [symptom for module in _modules() if (symptom := module.find(case)) is not None]
    # Nothing but dead units makes a signal exactly 0; they are counted over several looks, so they are seen later.
    silent = [symptom.onset for symptom in found if symptom.verdict in _SIGNAL and symptom.evidence.value == 0]

    def place(symptom: Symptom) -> tuple[int, bool]:
        """When it began; and whether it is dead units that only weaken a signal: sqrt(1 - d) of it gets past d dead
        units, .3 of it at DEAD. Fewer are not why a signal is lost that was as early."""
        if symptom.verdict != "dead units":
            return symptom.onset, False
        few = symptom.evidence.value < DEAD
        return (symptom.onset if few else min([symptom.onset, *silent])), few

    # A cause comes before its effects; of those that came together, the one of the lesser RANK.
    return sorted(found, key=place)


@cache
def _modules() -> list[_Module]:
    """The symptoms, in the order in which one explains the others."""
    names = [module.name for module in pkgutil.iter_modules(symptoms.__path__)]
    found = [importlib.import_module(f"{symptoms.__name__}.{name}") for name in names]
    return sorted(found, key=lambda module: int(module.RANK))  # type: ignore[arg-type, return-value]


def _unless_of_one_answer(consequence: Consequence, case: Case, found: list[Symptom]) -> Consequence:
    """Where nobody knows the loss of chance, the signal was the same for every input from the start, and the answer
    still is: a loss that falls does so towards the best answer that ignores the input, which is chance. The answer
    itself is asked, for the weights of the output can make much of a small difference."""
    steps = case.column("steps", "step")
    if consequence.harm or len(steps) < SETTLED or np.isfinite(case.chance_loss):
        return consequence
    from_the_start = any(s.verdict == "collapsed" and s.onset <= steps[0] for s in found)
    if not from_the_start or not looks(case, "probes")[-1].output("input_share") < INPUT_SHARE:
        return consequence
    return Consequence("stall", int(steps[0]), f"{consequence.words}, with one answer for every input")


def _verdict(
    case: Case, found: list[Symptom], consequence: Consequence
) -> tuple[Verdict, Symptom | None, Symptom | None]:
    """(verdict, cause, runner-up)."""
    if not consequence.harm:
        few = len(case.column("steps", "step")) < SETTLED
        return ("undecided" if few else "healthy"), None, None
    found = [symptom for symptom in found if symptom.verdict not in _INNOCENT.get(consequence.kind, set())]
    if found:
        others = [symptom for symptom in found[1:] if symptom.verdict not in _EXPLAINED[found[0].verdict]]
        return found[0].verdict, found[0], (others[0] if others else None)
    if consequence.kind == "stall" and len(case.column("steps", "step")) < PATIENCE:
        return "undecided", None, None
    if consequence.kind == "stall" and (weak := [symptom for find in _OF_A_STALL if (symptom := find(case))]):
        return weak[0].verdict, weak[0], (weak[1] if len(weak) > 1 else None)
    bare: dict[str, Verdict]
    bare = {"slow": "healthy", "stall": "plateau", "regression": "unstable", "divergence": "diverged"}
    return bare[consequence.kind], None, None


def _sure(
    verdict: Verdict, cause: Symptom | None, runner_up: Symptom | None, doubtful: bool
) -> Literal["certain", "likely", "unclear"]:
    """doubtful: healthy without having shown it yet, or a symptom that is the cause for want of another."""
    if verdict == "undecided":
        return "unclear"
    if cause is None:
        return "likely" if doubtful and verdict != "diverged" else "certain"
    return "certain" if cause.evidence.certain and runner_up is None and not doubtful else "likely"
