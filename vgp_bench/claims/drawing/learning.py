"""A figure of the table of epochs against the passes over the training data."""

from collections.abc import Sequence

from vgp_bench.claims.drawing.curves import Curve
from vgp_bench.claims.evidence import Observed


def loss_curve(name: str, observed: Sequence[Observed], column: str = "train_loss") -> Curve:
    """The column of the epochs by pass, counted from 1; runs that were cut short end the line of all."""
    tables = [one.record.columns("epochs") for one in observed if one.record is not None]
    passes = min((len(table["epoch"]) for table in tables), default=0)
    return Curve(name, list(range(1, passes + 1)), [list(map(float, table[column][:passes])) for table in tables])
