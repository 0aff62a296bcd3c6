"""Verdicts as CSV and JSON: one row a run, plain values, those of diagnosis/figures.py."""

import csv
import io
import json
import math
from typing import Any

from vgp_bench.compare.diagnoses import Diagnoses, Entry
from vgp_bench.diagnosis.figures import figures
from vgp_bench.diagnosis.rule_sets import OURS


def diagnoses_to_csv(found: Diagnoses) -> str:
    """path, the settings under their full keys, seed, the figures of the verdict, and a column a rule set of others."""
    rows = [_row(found, entry) for entry in found.entries]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def diagnoses_to_json(found: Diagnoses) -> str:
    """constants, settings, damaged, and runs: the same rows; infinite as "inf"."""
    content = {
        "constants": found.constants,
        "settings": found.settings,
        "damaged": found.damaged,
        "runs": [{key: _plain(value) for key, value in _row(found, entry).items()} for entry in found.entries],
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False, default=str) + "\n"


def _row(found: Diagnoses, entry: Entry) -> dict[str, Any]:
    others = {name: "; ".join(entry.labels[name]) for name in found.rules if name != OURS}
    settings = {key: entry.values[key] for key in found.settings}
    return {"path": str(entry.run.path), **settings, "seed": entry.seed, **figures(entry.run), **others}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
