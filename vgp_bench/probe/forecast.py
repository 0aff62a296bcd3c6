"""Will it train? From the start and the first steps, a yes or no with the measurements it rests on.

Two ways out of the start are known, and one of them is enough: the first steps already tell the inputs apart, so that
as many as the run has will do so visibly; or they move every stage, so that the network will not stay what it was. A
network with neither stays where it is. So does one with a stage that the first steps have killed, and one whose outputs
are so large that the run cannot undo them: its loss is far above that of chance and does not come down. Whether what
reaches the output is what the task needs cannot be seen so early: a recurrent net may train and never see the far past,
which is then part of the forecast. A symptom of the start beside a good forecast has its reason given too.
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
from vgp_bench.diagnosis.thresholds import FAR_OFF
from vgp_bench.plural import plural
from vgp_bench.probe.case import case_of_start
from vgp_bench.probe.limits import LOSS_AT_START, MOVED, TOLD_APART
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.profile import least


@dataclass(frozen=True)
class Forecast:
    """reasons: what it rests on, the decisive one first; notes: symptoms seen at the start, a line each; remedy: what
    to try first, where it is not trainable or forgets; forgets: the lag in time steps from which on nothing of the past
    is learned, None if all of it counts."""

    trainable: bool
    reasons: list[str]
    notes: list[str]
    remedy: Remedy | None = None
    forgets: int | None = None

    @property
    def words(self) -> str:
        """The forecast itself: no good one without what it does not cover."""
        if not self.trainable:
            return "not trainable as it stands"
        if self.forgets is None:
            return "trainable"
        return f"trainable, but not on what lies {plural(self.forgets, 'time step')} back or more"

    @property
    def short(self) -> str:
        """The same in a column."""
        return ("trainable" if self.forgets is None else "near past only") if self.trainable else "not trainable"


def forecast(found: Measured) -> Forecast:
    """The forecast for as many steps as the run has."""
    symptoms = symptoms_at_start(found)
    notes = [note(symptom) for symptom in symptoms]
    remedy = _remedy(found, symptoms)
    if lost := _lost(found):
        return Forecast(False, [lost], notes, remedy)
    apart = found.trial.told_apart * found.ahead
    moved = least(found.trial.moved) * found.ahead
    run = f"at the pace of the first {len(found.trial.steps.steps)}, the run's {plural(found.total_steps, 'step')}"
    tells = f"{run} tell inputs apart by {apart:.2g} {found.start.unit}"
    moves = f"and move the slowest stage by {moved:.2g} of its size"
    learns = apart >= TOLD_APART or (moved >= MOVED and apart > 0)
    if learns and (far := _far_off(found)):
        return Forecast(False, [far], notes, remedy)
    if apart >= TOLD_APART:
        return _good([f"{tells} (enough: {TOLD_APART})"], notes, symptoms, found)
    if learns:
        return _good([tells, f"{moves} (enough: {MOVED})"], notes, symptoms, found)
    return Forecast(False, [f"{tells} (enough: {TOLD_APART})", f"{moves} (enough: {MOVED})"], notes, remedy)


def _good(reasons: list[str], notes: list[str], symptoms: Sequence[Symptom], found: Measured) -> Forecast:
    """With what it does not cover, and what it holds in spite of: nothing without a symptom."""
    past = [symptom for symptom in symptoms if (symptom.verdict, symptom.axis) == ("vanishing", "time")]
    others = [label(symptom) for symptom in symptoms if symptom not in past]
    if others:
        reasons = [*reasons, f"in spite of {', '.join(others)}, which does not keep the first steps from it"]
    if not past:
        return Forecast(True, reasons, notes)
    return Forecast(True, reasons, notes, _remedy(found, past), past[0].lag)


def _lost(found: Measured) -> str:
    """What the first steps have broken for good; empty if they have not."""
    if found.trial.steps.diverged:
        return f"{found.trial.steps.diverged}, within the first steps"
    if not math.isfinite(found.trial.told_apart * found.ahead):
        return "the outputs are no longer finite after the first steps"
    if died := _died(found):
        return f"{died} is dead after the first steps: no gradient passes it"
    return ""


def _far_off(found: Measured) -> str:
    """A loss that is above chance because outputs are too large, and stays so; empty if there is none."""
    chance = found.start.chance.loss
    if found.after_trial is None or not chance > 0:
        return ""
    before, after = found.start.look.loss / chance, found.after_trial.loss / chance
    end = before - (before - after) * found.ahead
    now = f"after the first steps the loss is {after:.3g} x chance"
    if after > FAR_OFF:
        return f"{now} (lost: {FAR_OFF:g}), the outputs are far too large"
    if after > LOSS_AT_START[0] and end > 1:
        return f"{now}, and at their pace the run does not bring it down to chance"
    return ""


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
        remedies = remedies_for("diverged" if _climbs(found) else "plateau", None, known)
    return remedies[0] if remedies else None


def _climbs(found: Measured) -> bool:
    """Whether the first steps made the loss larger, or worse than that."""
    return found.after_trial is None or not found.after_trial.loss <= found.start.look.loss
