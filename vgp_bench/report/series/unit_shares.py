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


def mean_over_stages(layers: Columns, share: Share) -> Curve:
    """Percent, each hidden stage counting once; a stage without a value (no unit that could be dead, say) is left out.

    A mean over stages, not over units: a wide stage does not outweigh a narrow one. As in Summary.
    """
    values = np.asarray(layers[share], dtype=float)
    usable = (np.asarray(layers["kind"], dtype=object) == "hidden") & ~np.isnan(values)
    steps, which = np.unique(np.asarray(layers["step"])[usable], return_inverse=True)
    sums, counts = np.bincount(which, values[usable], len(steps)), np.bincount(which, minlength=len(steps))
    return steps.astype(float), 100 * sums / np.maximum(counts, 1)
