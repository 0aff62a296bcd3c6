"""What a comparison can show of a run: every figure of Summary by its name, and what is counted beyond it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Literal

from vgp_bench.errors import UserError
from vgp_bench.records.summary import Summary

Average = Literal["mean", "geometric", "share", "reached"]
"""mean: arithmetic; geometric: on the logarithm; share: of zeros and ones, no interval; reached: arithmetic over the
runs that arrived, with the number of those that never did."""

STEPS_TO = "steps_to_"
REACH = 0.9
"""Validation accuracy to which steps are counted unless --reach says otherwise."""

VERDICT = "verdict"
"""What --values calls the verdict on each run. It is a word, so it is no Metric: see verdicts.py."""

UNRANKED = 50


@dataclass(frozen=True)
class Metric:
    """One value of a run.

    name: as typed and as in files; header: its lines in a table; unit: of the value in files (a table shows fractions
    in percent); every_run: also of runs that did not complete; rank: the higher, the sooner a narrow table drops it.
    """

    name: str
    header: tuple[str, ...]
    unit: str
    definition: str
    average: Average = "mean"
    every_run: bool = False
    rank: int = UNRANKED

    @property
    def geometric(self) -> bool:
        return self.average == "geometric"

    @property
    def reach(self) -> float:
        """The accuracy to which steps are counted; NaN for other metrics."""
        return float(self.name.removeprefix(STEPS_TO)) if self.average == "reached" else math.nan


# Header and rank of what deserves better than its name in pieces.
_SHOWN: dict[str, tuple[tuple[str, ...], int]] = {
    "test_accuracy": (("test", "acc %"), 1),
    "test_loss": (("test", "loss"), 1),
    "validation_accuracy": (("val", "acc %"), 5),
    "best_validation_accuracy": (("best val", "acc %"), 8),
    "train_accuracy": (("train", "acc %"), 9),
    "initial_gradient_ratio": (("grad ratio", "first/last", "@init"), 3),
    "initial_time_ratio": (("time ratio", "first/last", "@init"), 3),
    "initial_decay_per_step": (("decay", "/step", "@init"), 4),
    "final_gradient_ratio": (("grad ratio", "first/last", "@end"), 11),
    "initial_decay_per_layer": (("decay", "/layer", "@init"), 4),
    "final_decay_per_layer": (("decay", "/layer", "@end"), UNRANKED),
    "initial_decay_r2": (("decay", "R2", "@init"), 12),
    "final_decay_r2": (("decay", "R2", "@end"), UNRANKED),
    "initial_dead_fraction": (("dead", "% @init"), UNRANKED),
    "final_dead_fraction": (("dead", "units %"), 6),
    "initial_saturated_fraction": (("saturated", "% @init"), UNRANKED),
    "final_saturated_fraction": (("saturated", "%"), 10),
    "parameters": (("parameters",), 15),
    "seconds": (("time", "s"), 13),
    "images_per_second": (("images", "/s"), 14),
    "peak_memory_bytes": (("peak", "MiB"), UNRANKED),
}

DIVERGENCE_RATE = Metric(
    "divergence_rate",
    ("diverged", "%"),
    "fraction",
    "diverged runs / (completed + diverged runs), each seed once",
    "share",
    every_run=True,
    rank=16,
)

_DEFAULT_NAMES = (
    "test_accuracy",
    "validation_accuracy",
    "best_validation_accuracy",
    "train_accuracy",
    "steps_to",
    "initial_time_ratio",
    "initial_decay_per_step",
    "initial_gradient_ratio",
    "final_gradient_ratio",
    "initial_decay_per_layer",
    "initial_decay_r2",
    "final_dead_fraction",
    "final_saturated_fraction",
    "divergence_rate",
    "parameters",
    "seconds",
    "images_per_second",
)


def _of_summary() -> Iterable[Metric]:
    for f in fields(Summary):
        factor = f.name.endswith("_ratio") or "_decay_per_" in f.name
        initial = f.name.startswith("initial_")
        header, rank = _SHOWN.get(f.name, (tuple(f.name.split("_")), UNRANKED))
        when = "" if not f.name.startswith(("initial_", "final_")) else "first logged step: " if initial else "last: "
        yield Metric(
            f.name,
            header,
            f.metadata["unit"],
            when + f.metadata["definition"],
            "geometric" if factor else "mean",
            every_run=initial or f.name in ("parameters", "chance_loss", "chance_accuracy"),
            rank=rank,
        )


METRICS: dict[str, Metric] = {metric.name: metric for metric in (*_of_summary(), DIVERGENCE_RATE)}
"""By name; besides these there is steps_to_ACC for every accuracy ACC."""


def steps_to(accuracy: float) -> Metric:
    """The metric steps_to_ACC. Raises UserError unless 0 < accuracy <= 1."""
    if not 0 < accuracy <= 1:
        raise UserError(f"accuracy {accuracy:g}: steps are counted to an accuracy in (0, 1], say 0.9")
    definition = f"steps done at the end of the first pass whose validation accuracy is at least {accuracy:g}"
    header = ("steps to", f"{100 * accuracy:g} %")
    return Metric(f"{STEPS_TO}{accuracy:g}", header, "steps", definition, "reached", rank=7)


def find_metric(name: str) -> Metric:
    """The metric of this name. Raises UserError, with the names there are, if there is none."""
    if name in METRICS:
        return METRICS[name]
    if name.startswith(STEPS_TO):
        try:
            return steps_to(float(name.removeprefix(STEPS_TO)))
        except ValueError:
            pass
    names = [*METRICS, f"{STEPS_TO}{REACH:g}", VERDICT]
    close = get_close_matches(name, names, n=2) or [known for known in names if name and name in known][:2]
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise UserError(f"no metric {name}.{hint} There are: {', '.join(names)}")


_OF_TIME = ("initial_time_ratio", "initial_decay_per_step")


def default_metrics(reach: float | None, test_loss: bool, time: bool) -> list[Metric]:
    """What is shown unless named. reach: None leaves steps_to out; test_loss: before the test accuracy; time: with the
    gradient through time."""
    chosen = []
    for name in _DEFAULT_NAMES:
        if name == "test_accuracy" and test_loss:
            chosen.append(METRICS["test_loss"])
        if name in _OF_TIME and not time:
            continue
        if name != "steps_to":
            chosen.append(METRICS[name])
        elif reach is not None:
            chosen.append(steps_to(reach))
    return chosen
