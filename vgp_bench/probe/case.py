"""What was measured, as the tables that a diagnosis reads."""

import math
from collections.abc import Sequence
from dataclasses import replace

from vgp_bench.diagnosis.case import Case
from vgp_bench.probe.looking import as_columns
from vgp_bench.probe.measuring import Measured
from vgp_bench.records.rows import LayerRow, ProbeRow, Row, StepRow, TimeRow


def case_of_start(found: Measured) -> Case:
    """The start and the network after the trial: a training that has just begun."""
    looks = [found.start.look, *([found.after_trial] if found.after_trial is not None else [])]
    updates = {row.stage: row.update_ratio for row in found.trial.steps.layers}
    layers = [replace(row, update_ratio=updates.get(row.stage, math.nan)) for row in found.start.look.layers]
    layers += found.after_trial.layers if found.after_trial is not None else []
    tables: dict[type[Row], Sequence[Row]] = {
        StepRow: found.trial.steps.steps,
        LayerRow: layers,
        ProbeRow: [row for look in looks for row in look.probes],
        TimeRow: [row for look in looks for row in look.times],
    }
    names = {StepRow: "steps", LayerRow: "layers", ProbeRow: "probes", TimeRow: "times"}
    return Case(
        {names[kind]: as_columns(rows, kind) for kind, rows in tables.items()},
        state="diverged" if found.trial.steps.diverged else "running",
        chance_loss=found.start.chance.loss,
        config=found.start.config,
        choices=found.start.choices,
    )
