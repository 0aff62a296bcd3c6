"""Runs side by side: grouped by config, each metric with its interval over seeds.

What is averaged, and how:
- A group is every run with the same resolved config but for the seed (and the keys that cannot change numbers).
- Metrics of the outcome come from completed runs only; how many ended otherwise is told beside them. Metrics at
  initialization come from every run that measured them, because they do not depend on how a run ended.
- Each seed counts once, else the interval would be too narrow: of several runs the completed and latest one.
- Gradient ratio and decay are factors: geometric mean, interval on the logarithm.
- Interval: 95 % Student t interval of the mean for n >= 3; the range for n = 2; none for n = 1. It is not cut
  off at 0 or 100 %.
"""

from vgp_bench.compare.baseline import Baseline, against
from vgp_bench.compare.comparison import Comparison, compare
from vgp_bench.compare.estimates import Estimate, estimate, paired
from vgp_bench.compare.grouping import STATES
from vgp_bench.compare.metrics import METRICS, Metric, find_metric
from vgp_bench.compare.pivot import Pivot, pivot
from vgp_bench.compare.selection import choose

__all__ = [
    "METRICS",
    "STATES",
    "Baseline",
    "Comparison",
    "Estimate",
    "Metric",
    "Pivot",
    "against",
    "choose",
    "compare",
    "estimate",
    "find_metric",
    "paired",
    "pivot",
]
