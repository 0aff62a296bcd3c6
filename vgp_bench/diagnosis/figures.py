"""A verdict as plain values under fixed names: a row of a file or of a frame."""

from vgp_bench.diagnosis.finding import Evidence
from vgp_bench.diagnosis.runs import JudgedRun

Value = str | int | float | None

COLUMNS = (
    "verdict",
    "axis",
    "stage",
    "place",
    "lag",
    "onset",
    "sure",
    "statistic",
    "value",
    "low",
    "high",
    "threshold",
    "consequence",
    "runner_up",
    "remedies",
    "seen",
    "problem",
)
"""Names of the values of figures(), in this order. As in finding.Symptom and finding.Evidence; seen: the last step that
was looked at; remedies: the words that change it, separated by `; `; problem: what the record lacks."""


def figures(run: JudgedRun) -> dict[str, Value]:
    """The values of a judged run; None for what it has not."""
    if run.diagnosis is None:
        return dict.fromkeys(COLUMNS) | {"verdict": run.label, "problem": run.problem}
    diagnosis, cause = run.diagnosis, run.diagnosis.cause
    found: dict[str, Value] = {
        "verdict": diagnosis.verdict,
        "axis": cause.axis if cause else None,
        "stage": cause.stage if cause else None,
        "place": cause.place if cause else None,
        "lag": cause.lag if cause else None,
        "onset": cause.onset if cause else None,
        "sure": diagnosis.sure,
        **_of_evidence(cause.evidence if cause else None),
        "consequence": diagnosis.consequence.words,
        "runner_up": diagnosis.runner_up.verdict if diagnosis.runner_up else None,
        "remedies": "; ".join(" ".join(r.overrides) or r.words for r in diagnosis.remedies),
        "seen": diagnosis.seen,
        "problem": run.problem,
    }
    return {name: found[name] if found[name] != "" else None for name in COLUMNS}


def _of_evidence(evidence: Evidence | None) -> dict[str, Value]:
    names = ("statistic", "value", "low", "high", "threshold")
    if evidence is None:
        return dict.fromkeys(names)
    return dict(
        zip(
            names,
            (evidence.statistic, evidence.value, evidence.low, evidence.high, evidence.threshold),
            strict=True,
        )
    )
