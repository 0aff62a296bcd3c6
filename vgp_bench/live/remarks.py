"""What a foreign loop should be told beside the verdict: forgotten calls, looks put off, layers that do not learn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vgp_bench.diagnosis.case import Case
from vgp_bench.live.watching import Watching
from vgp_bench.plural import agreeing, plural

MOST_NAMES = 4
"""Layers that are named one by one; of more, the last one and how many there are."""


def remarks(watching: Watching, case: Case) -> list[str]:
    """A sentence for each; none where all is as it should be."""
    reached = watching.reached
    cut_off, left_out = reached.cut_off, reached.left_out
    still = [name for name in _still(case) if name not in {*cut_off, *left_out, *reached.frozen}]
    found = {
        "no gradient reaches {} at a measured step: behind a detach() or no_grad(), or not used for the loss; without "
        "one weights do not move": cut_off,
        "not in the optimizer: {}; their weights do not move, unless an optimizer does it that the Monitor was not "
        "given": left_out,
        "the weights of {} moved at no measured step: their gradient or their learning rate is 0, or the step is too "
        "small for their precision": still,
        "frozen (requires_grad=False): {}": reached.frozen,
    }
    forgotten = missing(watching)
    return [
        *([forgotten] if forgotten else []),
        *(sentence.format(_listed(names)) for sentence, names in found.items() if names),
        *_put_off(watching),
    ]


def missing(watching: Watching) -> str:
    """What the loop forgot, without which there is no verdict; empty if nothing."""
    if not watching.was_on:
        return "the Monitor was never started: put the loop into its `with` block, or call start() before it"
    if not watching.done:
        return "no optimizer.step() was seen in the `with` block: give the Monitor the optimizer that the loop steps"
    if watching.losses.empty:
        return "no loss was told: call monitor.log(loss) in every step, else nobody knows whether a symptom does harm"
    return ""


def _still(case: Case) -> list[str]:
    """Stages with weights to train that moved at no measured step."""
    layers: Any = {key: np.asarray(case.tables["layers"][key]) for key in ("step", "name", "update_ratio", "weight_l2")}
    if len(set(layers["step"])) < 2:  # the learning rate of a warm-up may begin at 0
        return []
    found = []
    for name in dict.fromkeys(layers["name"]):
        of_stage = layers["name"] == name
        norms, ratios = layers["weight_l2"][of_stage], layers["update_ratio"][of_stage]
        if not np.isnan(norms).any() and not (ratios > 0).any():
            found.append(str(name))
    return found


def _put_off(watching: Watching) -> list[str]:
    put_off = watching.pace.put_off(watching.done)
    if put_off is None:
        return []
    overhead = watching.pace.overhead
    return [
        f"of {plural(put_off.planned, 'look')} (every={watching.pace.every}) {put_off.missed} "
        f"{agreeing(put_off.missed, 'were')} put off and {put_off.later} made up for later: a measured step takes "
        f"{put_off.times:.1f} times as long as another one, and overhead={overhead} allows {overhead:.0%} of the time; "
        "overhead=None keeps to every look"
    ]


def _listed(names: Sequence[str]) -> str:
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMES - 1])} ... {names[-1]} ({len(names)} layers)"
