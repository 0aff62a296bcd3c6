"""What each rule set says of each run of the set: at the end, and when it first said so."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from diagnosis_set.cases import Labelled
from vgp_bench.diagnosis.case import Case, case_of
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.rule_sets import OURS, rule_sets
from vgp_bench.records.reading import RunRecord

STEP = 5
"""Steps between two looks at a training as it stood; the delay of a verdict is told to so many steps."""
NO_ALARM = ("healthy", "undecided")


@dataclass(frozen=True)
class Judgement:
    """verdicts: words without their axis, none for no alarm; said: the same as the rule set put it. stage, axis: that
    ours names. delay: steps from the onset to the first look at which the verdict was right, if it is right at the end;
    early: whether there was an alarm before the fault was put in. seconds: of a core, to judge the whole run."""

    verdicts: frozenset[str]
    said: str
    stage: int | None = None
    axis: str = ""
    delay: int | None = None
    early: bool = False
    seconds: float = 0.0

    def is_right(self, case: Labelled) -> bool:
        """One verdict, and a right one; of a healthy run none."""
        if case.kind != "faulty":
            return self.said != "undecided" and not self.verdicts
        return len(self.verdicts) == 1 and bool(self.verdicts & case.answers)


def judge_all(
    cases: Sequence[Labelled], records: Mapping[str, RunRecord], processes: int
) -> dict[str, dict[str, Judgement]]:
    """Rule set -> name of the case -> what it says."""
    with ProcessPoolExecutor(processes) as pool:
        of_cases = list(pool.map(_judge, cases, [records[case.name] for case in cases], chunksize=4))
    return {name: {case.name: found[name] for case, found in zip(cases, of_cases, strict=True)} for name in rule_sets()}


def _judge(labelled: Labelled, record: RunRecord) -> dict[str, Judgement]:
    case = case_of(record)
    return {name: _judged_by(name, labelled, case) for name in rule_sets()}


def _judged_by(name: str, labelled: Labelled, case: Case) -> Judgement:
    began = time.process_time()
    final = _verdict(name, case)
    final = replace(final, seconds=time.process_time() - began)
    if labelled.kind != "faulty":
        return final
    delay = _delay(name, labelled, case) if final.is_right(labelled) else None
    early = labelled.onset > 0 and bool(_verdict(name, case.until(labelled.onset - 1)).verdicts)
    return replace(final, delay=delay, early=early)


def _verdict(name: str, case: Case) -> Judgement:
    if name == OURS:
        diagnosis = diagnose(case)
        cause = diagnosis.cause
        place = (cause.stage, cause.axis) if cause is not None else (None, "")
        return Judgement(_alarms([diagnosis.verdict]), diagnosis.label, *place)
    said = rule_sets()[name](case)
    return Judgement(_alarms(said), ", ".join(said) or "nothing")


def _alarms(words: Sequence[str]) -> frozenset[str]:
    return frozenset(words) - set(NO_ALARM)


def _delay(name: str, labelled: Labelled, case: Case) -> int:
    for step in range(labelled.onset, case.last_step, STEP):
        if _verdict(name, case.until(step)).is_right(labelled):
            return step - labelled.onset
    return case.last_step - labelled.onset
