"""What became of each run of the set: a label is kept only where the outcome bears it out."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from diagnosis_set.cases import Labelled
from vgp_bench.records.reading import RunRecord

LEARNT = 0.5
"""Share of a healthy run's way from chance that has to be left behind: at least so much, it has learnt; below, not."""
LAST_EPOCHS, LAST_SHARE = 2, 0.1


def way(record: RunRecord) -> float:
    """How far above chance the run ended: in accuracy, the better one of training and validation; of a regression, the
    share of chance's error that is gone. 0 for a run that diverged."""
    if record.state != "completed" or record.summary is None:
        return 0.0
    epochs, steps = record.columns("epochs"), record.columns("steps")
    last = max(1, round(LAST_SHARE * len(steps["step"])))
    if _is_regression(record):
        loss = float(np.mean(steps["loss"][-last:]))
        return max(0.0, 1 - loss / record.summary.chance_loss)
    chance = record.summary.chance_accuracy
    trained = float(np.mean(steps["accuracy"][-last:]))
    validated = float(np.mean(epochs["validation_accuracy"][-LAST_EPOCHS:]))
    return max(0.0, max(trained, validated) - chance) / (1 - chance)


def _is_regression(record: RunRecord) -> bool:
    return record.config["dataset"].get("source") == "adding"


def contradictions(cases: Sequence[Labelled], records: Mapping[str, RunRecord]) -> dict[str, str]:
    """The cases whose label the outcome contradicts, with the figures: they are left out of every score."""
    ways = {case.name: way(records[case.name]) for case in cases}
    found = {}
    for case in cases:
        share = ways[case.name] / _reference(case, cases, ways)
        if case.kind == "faulty" and share >= LEARNT:
            found[case.name] = f"labelled {case.label}, but it learns: {share:.2f} of its healthy twin's way"
        elif case.kind != "faulty" and share < LEARNT:
            found[case.name] = f"labelled {case.kind}, but it does not learn: {share:.2f} of the way"
    return found


def _reference(case: Labelled, cases: Sequence[Labelled], ways: Mapping[str, float]) -> float:
    """The way of the twin; without one, of the median healthy run of the same family on the same data."""
    if case.twin:
        return ways[case.twin]
    like = [ways[c.name] for c in cases if c.kind == "healthy" and (c.family, c.data) == (case.family, case.data)]
    return float(np.median(like)) if like else math.nan


def write_labels(
    cases: Sequence[Labelled], records: Mapping[str, RunRecord], dropped: Mapping[str, str], file: Path
) -> None:
    """One line a case, for whoever wants to look at the runs."""
    names = [f.name for f in fields(Labelled) if f.name not in ("words", "twin", "name", "origin")]
    with file.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["path", "name", *names, "part", "state", "way", "dropped", "words"])
        for case in cases:
            record = records[case.name]
            values = [getattr(case, name) for name in names]
            shown = ["|".join(value) if isinstance(value, tuple) else value for value in values]
            ended = [case.part, record.state, f"{way(record):.3f}", dropped.get(case.name, "")]
            table.writerow([record.path, case.name, *shown, *ended, " ".join(case.words[2:])])
