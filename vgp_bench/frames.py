"""Runs as tidy data frames, for notebooks: `vgp_bench.load("results/demo").layers`.

Every column of the tables is defined in docs/columns.md; in front of them stand the run and what tells it from the
others, so that a frame can be grouped, filtered and plotted without a join.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vgp_bench.diagnosis.figures import figures
from vgp_bench.diagnosis.runs import judge_run
from vgp_bench.errors import ResultsError
from vgp_bench.plural import agreeing, plural
from vgp_bench.records.readable import LEFT_OUT, unreadable
from vgp_bench.records.reading import RunRecord, find_runs
from vgp_bench.records.settings import tell_apart
from vgp_bench.records.summary import Summary

if TYPE_CHECKING:
    import pandas as pd


class Frames:
    """The records of some runs. Each frame is read when it is first asked for, and kept.

    A run with a damaged table is left out of the frame of that table, with a warning.

    settings: the keys in which the runs differ; constants: keys worth naming on which all agree. In each frame the
    first column, `run`, is the path of the run as a text; then come the settings (missing: None) and `seed`.
    """

    def __init__(self, records: Sequence[RunRecord]) -> None:
        self.records = [record for record in records if record.state != "damaged"]
        if not self.records:
            raise ResultsError(records[0].reason if records else "no runs to load; give the folder of a run")
        for record in records:
            if record.state == "damaged":
                warnings.warn(f"{LEFT_OUT}{record.reason}", stacklevel=3)
        told = tell_apart([record.config for record in self.records], [record.choices for record in self.records])
        self.settings = told.names
        self.constants = told.constants
        self._keys = [
            {"run": str(record.path), **values, "seed": record.seed}
            for record, values in zip(self.records, told.values, strict=True)
        ]

    @cached_property
    def runs(self) -> "pd.DataFrame":
        """One row a run: its keys, `state`, `reason`, and every figure of Summary (NaN: not measured, no summary)."""
        import pandas as pd

        names = [f.name for f in fields(Summary)]
        rows = []
        for keys, record in zip(self._keys, self.records, strict=True):
            figures = {name: getattr(record.summary, name) if record.summary else float("nan") for name in names}
            rows.append(keys | {"state": record.state, "reason": record.reason} | figures)
        return pd.DataFrame(rows)

    @cached_property
    def verdicts(self) -> "pd.DataFrame":
        """One row a run: its keys and what diagnosis.figures says of it. Nothing of it is stored: it is judged now."""
        import pandas as pd

        rows = [keys | figures(judge_run(record)) for keys, record in zip(self._keys, self.records, strict=True)]
        return pd.DataFrame(rows)

    @cached_property
    def steps(self) -> "pd.DataFrame":
        """One row a run and optimizer step."""
        return self._table("steps")

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """One row a run and pass over the training data."""
        return self._table("epochs")

    @cached_property
    def layers(self) -> "pd.DataFrame":
        """One row a run, logged step and stage."""
        return self._table("layers")

    @cached_property
    def times(self) -> "pd.DataFrame":
        """One row a run, probed step, recurrent layer, direction and time step."""
        return self._table("times")

    @cached_property
    def histograms(self) -> "pd.DataFrame":
        """One row a run, probed step, stage and bin."""
        return self._table("histograms")

    @cached_property
    def probes(self) -> "pd.DataFrame":
        """One row a run, probed step and stage."""
        return self._table("probes")

    @cached_property
    def angles(self) -> "pd.DataFrame":
        """One row a run, probed step and stage, unless the rule is backpropagation."""
        return self._table("angles")

    def _table(self, table: str) -> "pd.DataFrame":
        import pandas as pd

        parts: list[pd.DataFrame] = []
        problems = []
        for keys, record in zip(self._keys, self.records, strict=True):
            if problem := unreadable(record, [table]):
                problems.append(problem)
                continue
            part = record.rows(table)
            if part.empty and parts:
                continue  # the columns are known by now; an empty part would only cost them their types
            for place, (name, value) in enumerate(keys.items()):
                part.insert(place, name, pd.Series([value] * len(part), index=part.index, dtype=_kind(value)))
            parts.append(part)
        if not parts:
            raise ResultsError(problems[0])
        for problem in problems:
            warnings.warn(problem, stacklevel=3)
        filled = [part for part in parts if not part.empty]
        return pd.concat(filled or parts[:1], ignore_index=True)

    def __repr__(self) -> str:
        runs, differing = len(self.records), ", ".join(self.settings) or "nothing but the seed"
        return f"<{plural(runs, 'run')} that {agreeing(runs, 'differ')} in {differing}>"


def _kind(value: object) -> str | None:
    return "object" if value is None or isinstance(value, str) else None


def load(*paths: str | Path | Iterable[str | Path]) -> Frames:
    """The frames of every run at or below these paths (a run, an experiment or the results folder), or lists of paths.

    A run that cannot be read is left out with a warning. Raises ResultsError if there is none.
    """
    places: list[str | Path] = []
    for path in paths:
        places += [path] if isinstance(path, (str, Path)) else list(path)
    return Frames(find_runs(places))
