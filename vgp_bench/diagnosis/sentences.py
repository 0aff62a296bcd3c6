"""A diagnosis in words: a line for a list, a block for one run."""

from vgp_bench.diagnosis.finding import Diagnosis, Remedy, Symptom
from vgp_bench.diagnosis.thresholds import INPUT_SHARE
from vgp_bench.plural import plural

_SEEN = {
    ("vanishing", "depth"): "{place} cannot move the outputs",
    ("vanishing", "time"): "what lies {lag} back no longer counts",
    ("exploding", "depth"): "the least change at {place} overturns the outputs",
    ("exploding", "time"): "what lies {lag} back outweighs the present",
    ("exploding", ""): "the gradient grew far beyond its usual size",
    ("dead units", ""): "units of {place} are 0 for every input",
    ("saturated", ""): "units of {place} sit where their activation is flat",
    ("collapsed", ""): "{place} is {nearly}the same for every input",
    ("symmetric", ""): "the units of {place} all do the same",
    ("update too small", ""): "no layer moves by as much as would matter",
    ("unstable", ""): "single steps upset the training",
}
"""What is seen, for each verdict and axis that has a symptom."""


def line(diagnosis: Diagnosis) -> str:
    """The verdict in one line: what and where, since when, how sure, what became of the training, what to change."""
    return f"{diagnosis.label}: {reason(diagnosis)}"


def reason(diagnosis: Diagnosis) -> str:
    """That line without the verdict itself, for where it stands already."""
    cause, parts = diagnosis.cause, [diagnosis.consequence.words]
    if cause is not None:
        evidence = f"{_number(cause.evidence.value)}, limit {_number(cause.evidence.threshold)}"
        parts.insert(0, f"{_seen(cause)} ({evidence}) {_since(cause)}, {_sure(diagnosis)}")
    elif diagnosis.sure == "likely":
        parts[0] += " (likely)"
    if diagnosis.remedies:
        parts.append(f"try {_short(diagnosis.remedies[0])}")
    return "; ".join(parts)


def told(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """The verdict with all that speaks for it: what each line is, in a word, and the line."""
    lines = [("verdict", f"{diagnosis.label}, {diagnosis.sure}")]
    if (cause := diagnosis.cause) is not None:
        lines += [("seen", f"{_seen(cause)}, {_since(cause)}"), ("evidence", _figure(cause))]
    lines.append(("outcome", diagnosis.consequence.words))
    if diagnosis.runner_up is not None:
        lines.append(("or else", note(diagnosis.runner_up)))
    lines += [("note", words) for words in diagnosis.notes]
    for number, remedy in enumerate(diagnosis.remedies):
        lines.append(("or" if number else "try", ": ".join(filter(None, (remedy.words, " ".join(remedy.overrides))))))
    return lines


def block(diagnosis: Diagnosis) -> list[str]:
    """The same as lines of text, which begins at LABEL."""
    return [f"{word:<{LABEL}}{text}" for word, text in told(diagnosis)]


LABEL = 10
"""Column at which the texts of a block begin."""


def note(symptom: Symptom) -> str:
    """A symptom in a line, with its evidence."""
    return f"{label(symptom)}: {_seen(symptom)}, {_since(symptom)}; {_figure(symptom)}"


def label(symptom: Symptom) -> str:
    """The verdict with its axis: 'vanishing (depth)'."""
    return f"{symptom.verdict} ({symptom.axis})" if symptom.axis else symptom.verdict


def _seen(symptom: Symptom) -> str:
    form = _SEEN.get((symptom.verdict, symptom.axis)) or symptom.evidence.statistic
    place = symptom.place or "a stage"
    if symptom.verdict == "vanishing" and symptom.stage:
        place = f"what lies below {place}"  # the stage named is the one at which it is lost
    nearly = "very nearly " if symptom.evidence.value >= INPUT_SHARE else ""
    return form.format(place=place, lag=plural(symptom.lag or 0, "time step"), nearly=nearly)


def _since(symptom: Symptom) -> str:
    return f"since step {symptom.onset}" if symptom.onset else "from the start"


def _sure(diagnosis: Diagnosis) -> str:
    return f"{diagnosis.sure}, or else {label(diagnosis.runner_up)}" if diagnosis.runner_up else diagnosis.sure


def _short(remedy: Remedy) -> str:
    """The words for the command line, where there are any; else what to do, without the reason."""
    return " ".join(remedy.overrides) or remedy.words.partition(":")[0].partition(" (")[0]


def _figure(symptom: Symptom) -> str:
    evidence = symptom.evidence
    interval = "" if evidence.low == evidence.high else f" [{_number(evidence.low)}, {_number(evidence.high)}]"
    return f"{evidence.statistic} {_number(evidence.value)}{interval} (limit {_number(evidence.threshold)})"


def _number(value: float) -> str:
    return f"{value:.3g}"
