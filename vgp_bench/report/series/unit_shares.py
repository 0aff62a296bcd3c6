"""How many units of one group of runs are dead or saturated as training goes on, as numbers."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vgp_bench.records.reading import RunRecord
from vgp_bench.records.signal import Columns
from vgp_bench.report.series.band import Band
from vgp_bench.report.series.over_steps import Curve, band_over_steps

Share = Literal["dead_fraction", "saturated_fraction"]


def unit_shares(records: Sequence[RunRecord], share: Share) -> Band | None:
    """Mean over hidden stages, in percent, at the steps that measured it; mean and range over seeds. None: never."""
    return band_over_steps([mean_over_stages(record.columns("layers"), share) for record in records])


def share_ends(records: Sequence[RunRecord], share: Share) -> list[tuple[str, float, float]]:
    """State, last step and share at it of each run that did not complete; without those that have none."""
    curves = [(r.state, *mean_over_stages(r.columns("layers"), share)) for r in records if r.state != "completed"]
    return [(state, float(x[-1]), float(y[-1])) for state, x, y in curves if len(x)]


def mean_over_stages(layers: Columns, share: Share) -> Curve:
    """Percent, each hidden stage counting once; a stage without a value (no unit that could be dead, say) is left out.

    A step at which some stage has activations that are not finite is left out: NaN is neither dead nor saturated, and
    the shares would fall where the network broke. A mean over stages, not over units: a wide stage does not outweigh a
    narrow one. As in Summary.
    """
    values = np.asarray(layers[share], dtype=float)
    hidden = np.asarray(layers["kind"], dtype=object) == "hidden"
    broken = np.asarray(layers["step"])[hidden & (np.asarray(layers["nonfinite_activations"]) > 0)]
    usable = hidden & ~np.isnan(values) & ~np.isin(np.asarray(layers["step"]), broken)
    steps, which = np.unique(np.asarray(layers["step"])[usable], return_inverse=True)
    sums, counts = np.bincount(which, values[usable], len(steps)), np.bincount(which, minlength=len(steps))
    return steps.astype(float), 100 * sums / np.maximum(counts, 1)
