"""From symptoms and consequence to one verdict."""

import importlib
import pkgutil
from functools import cache
from typing import Literal, Protocol

from vgp_bench.diagnosis import symptoms
from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.consequence import consequence_of
from vgp_bench.diagnosis.finding import Consequence, Diagnosis, Symptom, Verdict
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedies import remedies_for
from vgp_bench.diagnosis.sentences import note
from vgp_bench.diagnosis.thresholds import DEAD, PATIENCE, SETTLED


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
"""What can hold a training back, but makes no loss grow."""


def diagnose(case: Case) -> Diagnosis:
    """The verdict at the end of the record. Nothing in it depends on what came later: see Case.until."""
    found = symptoms_of(case)
    consequence = consequence_of(case)
    verdict, cause, runner_up = _verdict(case, found, consequence)
    return Diagnosis(
        verdict=verdict,
        consequence=consequence,
        seen=case.last_step,
        cause=cause,
        runner_up=runner_up,
        sure=_sure(verdict, cause, runner_up),
        notes=tuple(note(symptom) for symptom in found if symptom not in (cause, runner_up)),
        remedies=remedies_for(verdict, cause, Known.of(case)),
    )


def symptoms_of(case: Case) -> list[Symptom]:
    """What is wrong with the signal at the end of the record, harm or no harm; what explains the others first."""
    found = [symptom for module in _modules() if (symptom := module.find(case)) is not None]
    # Nothing but dead units makes a signal exactly 0; they are counted over several looks, so they are seen later.
    silent = [symptom.onset for symptom in found if symptom.verdict in _SIGNAL and symptom.evidence.value == 0]

    def begin(symptom: Symptom) -> int:
        dead = symptom.verdict == "dead units" and symptom.evidence.value >= DEAD
        return min([symptom.onset, *silent]) if dead else symptom.onset

    # A cause comes before its effects; of those that came together, the one of the lesser RANK.
    return sorted(found, key=begin)


@cache
def _modules() -> list[_Module]:
    """The symptoms, in the order in which one explains the others."""
    names = [module.name for module in pkgutil.iter_modules(symptoms.__path__)]
    found = [importlib.import_module(f"{symptoms.__name__}.{name}") for name in names]
    return sorted(found, key=lambda module: int(module.RANK))  # type: ignore[arg-type, return-value]


def _verdict(
    case: Case, found: list[Symptom], consequence: Consequence
) -> tuple[Verdict, Symptom | None, Symptom | None]:
    """(verdict, cause, runner-up)."""
    if not consequence.harm:
        few = len(case.column("steps", "step")) < SETTLED
        return ("undecided" if few else "healthy"), None, None
    if consequence.kind in ("regression", "divergence"):
        found = [symptom for symptom in found if symptom.verdict not in _ONLY_SLOWS]
    if found:
        others = [symptom for symptom in found[1:] if symptom.verdict not in _EXPLAINED[found[0].verdict]]
        return found[0].verdict, found[0], (others[0] if others else None)
    if consequence.kind == "stall" and len(case.column("steps", "step")) < PATIENCE:
        return "undecided", None, None
    bare: dict[str, Verdict]
    bare = {"slow": "healthy", "stall": "plateau", "regression": "unstable", "divergence": "diverged"}
    return bare[consequence.kind], None, None


def _sure(
    verdict: Verdict, cause: Symptom | None, runner_up: Symptom | None
) -> Literal["certain", "likely", "unclear"]:
    if verdict == "undecided":
        return "unclear"
    if cause is None:
        return "likely" if verdict in ("plateau", "unstable") else "certain"
    return "certain" if cause.evidence.certain and runner_up is None else "likely"
