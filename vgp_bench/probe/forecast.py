"""Will it train? From the start and the first steps, a yes or no with the measurements it rests on.

Two ways out of the start are known, and one of them is enough: the first steps already tell the inputs apart, so that
as many as the run has will do so visibly; or they move every stage, so that the network will not stay what it was. A
network with neither stays where it is; so does one with a stage that the first steps have killed. Whether what reaches
the output is what the task needs cannot be seen so early: a recurrent net may train and never see the far past, which
is then said beside the forecast. A symptom of the start beside a good forecast has its reason given too.
scripts/score_forecast compares forecasts with what became of the trainings.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vgp_bench.diagnosis.finding import Remedy, Symptom
from vgp_bench.diagnosis.judge import symptoms_of
from vgp_bench.diagnosis.known import Known
from vgp_bench.diagnosis.remedies import remedies_for
from vgp_bench.diagnosis.sentences import label, note
from vgp_bench.plural import plural
from vgp_bench.probe.case import case_of_start
from vgp_bench.probe.limits import MOVED, TOLD_APART
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.profile import least


@dataclass(frozen=True)
class Forecast:
    """reasons: what it rests on, the decisive one first; notes: symptoms seen at the start, a line each; remedy: what
    to try first, where it is not trainable and a symptom, or that it diverged, says why."""

    trainable: bool
    reasons: list[str]
    notes: list[str]
    remedy: Remedy | None = None


def forecast(found: Measured) -> Forecast:
    """The forecast for as many steps as the run has."""
    symptoms = symptoms_at_start(found)
    notes = [note(symptom) for symptom in symptoms]
    remedy = _remedy(found, symptoms)
    if found.trial.steps.diverged:
        return Forecast(False, [f"{found.trial.steps.diverged}, within the first steps"], notes, remedy)
    apart = found.trial.told_apart * found.ahead
    moved = least(found.trial.moved) * found.ahead
    tells = f"at the pace of the first steps the run tells inputs apart by {apart:.2g} nats of a logit"
    moves = f"and moves its slowest stage by {moved:.2g} of its size"
    if not math.isfinite(apart):
        return Forecast(False, ["the logits are no longer finite after the first steps"], notes, remedy)
    if died := _died(found):
        return Forecast(False, [f"{died} is dead after the first steps: no gradient passes it"], notes, remedy)
    if apart >= TOLD_APART:
        return Forecast(True, [f"{tells} (enough: {TOLD_APART})", *_reservations(symptoms)], notes)
    if moved >= MOVED and apart > 0:
        return Forecast(True, [tells, f"{moves} (enough: {MOVED})", *_reservations(symptoms)], notes)
    return Forecast(False, [f"{tells} (enough: {TOLD_APART})", f"{moves} (enough: {MOVED})"], notes, remedy)


def _reservations(symptoms: Sequence[Symptom]) -> list[str]:
    """What a good forecast does not cover, or holds in spite of: nothing without a symptom."""
    forgotten = [symptom.lag for symptom in symptoms if symptom.verdict == "vanishing" and symptom.axis == "time"]
    others = [label(symptom) for symptom in symptoms if not (symptom.verdict == "vanishing" and symptom.axis == "time")]
    reservations = [f"but not to use what lies {plural(lag or 0, 'time step')} back or more" for lag in forgotten]
    if others:
        reservations.append(f"in spite of {', '.join(others)}, which the first steps overcome")
    return reservations


def _died(found: Measured) -> str:
    """The lowest stage that is 0 on the whole probe set after the trial; empty if none is."""
    layers = found.after_trial.layers if found.after_trial is not None else []
    return next((row.name for row in layers if row.dead_fraction == 1), "")


def symptoms_at_start(found: Measured) -> list[Symptom]:
    """What the rules of `vgp-bench diagnose` see at the start and still see after the trial."""
    return symptoms_of(case_of_start(found))


def _remedy(found: Measured, symptoms: Sequence[Symptom]) -> Remedy | None:
    known = Known.of(case_of_start(found))
    if symptoms:
        remedies = remedies_for(symptoms[0].verdict, symptoms[0], known)
    else:
        remedies = remedies_for("diverged", None, known) if found.trial.steps.diverged else ()
    return remedies[0] if remedies else None
