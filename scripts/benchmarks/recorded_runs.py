"""Trainings that scripts/score_diagnosis has recorded, as cases for forecasts: the words of each and how it ended."""

import csv
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from diagnosis_set.cases import FOLDER

from vgp_bench.errors import ResultsError, UserError
from vgp_bench.records.reading import read_run

SEEN = Path(__file__).with_name("forecast_seen.txt")
"""Names of the trainings whose wrong forecasts were looked at when the rule was mended."""
COLUMNS = {"path", "name", "words", "onset"}
NO_ANSWER = ("dataset.unrelated=", "dataset.inputs=")
"""Words of data whose inputs tell nothing of the answers. No look at a network can find that out."""


class Recorded(NamedTuple):
    """words: for `vgp-bench run`; end: mean loss of the last steps / chance loss, infinite if it diverged; seen: see
    SEEN; answerable: whether the inputs have anything to do with the answers."""

    name: str
    words: tuple[str, ...]
    end: float
    seen: bool
    answerable: bool


def recorded(folder: Path, last: int) -> Iterator[Recorded]:
    """Those of labels.csv in this folder; not those whose fault was put in later than the start.

    last: steps whose mean loss is the end. Raises UserError if there is no such file, ResultsError for a lost run.
    """
    file, seen = folder / "labels.csv", set(SEEN.read_text().splitlines())
    if not file.is_file():
        raise UserError(
            f"--recorded {folder}: it has no labels.csv; scripts/score_diagnosis --results {folder} makes it"
        )
    with file.open(newline="") as lines:
        rows = csv.DictReader(lines)
        if missing := COLUMNS - set(rows.fieldnames or ()):
            raise UserError(f"{file}: no column {', '.join(sorted(missing))}; scripts/score_diagnosis makes it anew")
        for row in rows:
            if row["onset"] == "0":
                words = ("--config-dir", str(FOLDER / "configs"), *row["words"].split(" "))
                known = not any(word.startswith(NO_ANSWER) for word in words)
                yield Recorded(row["name"], words, end_of(folder, Path(row["path"]), last), row["name"] in seen, known)


def end_of(folder: Path, path: Path, last: int) -> float:
    """Of the run at this path, or of the same name below this folder, if it was moved."""
    record = read_run(path if path.is_dir() else folder / path.parent.name / path.name)
    if record.state == "diverged":
        return math.inf
    if record.state != "completed" or record.summary is None:
        raise ResultsError(f"{record.path}: {record.state}, not completed; scripts/score_diagnosis ends it")
    return statistics.fmean(record.columns("steps")["loss"][-last:]) / record.summary.chance_loss
