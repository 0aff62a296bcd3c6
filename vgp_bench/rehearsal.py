"""`--dry-run`: what a sweep would run, and how long that may take, from a short measurement. Writes no record."""

import statistics
import time
from collections.abc import Sequence
from typing import Any

from vgp_bench.config import ComposedRun
from vgp_bench.errors import ConfigError, UserError
from vgp_bench.launchers.local import Local
from vgp_bench.launchers.slots import slots
from vgp_bench.plan import Plan, PlannedRun, make_plan
from vgp_bench.plural import plural
from vgp_bench.progress import duration, say_that_torch_is_loaded
from vgp_bench.records.identity import canonical, settled

MOST_MEASURED = 3
"""So many different runs are measured, those of equal distance in the list."""

STEPS = 10
"""Steps timed, after as many to warm up. None is one at which the network is measured."""

_WORDS = {
    "new": "new",
    "finished": "finished",
    "resume": "resume",
    "retry": "retry",
    "damaged": "damaged, run again",
    "running": "running elsewhere",
    "left": "left as it is",
}


def rehearse(runs: Sequence[ComposedRun]) -> str:
    """The plan as text: each run with its id and what is there of it, equal ones, an estimate of the time.

    Raises ConfigError as the sweep itself would.
    """
    say_that_torch_is_loaded(len(runs))
    plan = make_plan(runs)
    rows = [(run.id, _what(run), run.composed.label or "the run") for run in plan.runs]
    rows += [(first, "the same", label or "the run") for label, first in plan.same_as.values()]
    width = max(len(what) for _, what, _ in rows)
    lines = [f"{name}  {what:<{width}}  {label}" for name, what, label in rows]
    todo = [run for run in plan.runs if run.found in ("new", "resume", "retry", "damaged")]
    same = f"; {len(plan.same_as)} more the same as another one" if plan.same_as else ""
    lines.append(f"{plural(len(plan.runs), 'run')}: {len(todo)} to run, {len(plan.runs) - len(todo)} not{same}")
    if todo:
        lines.append(_estimate(plan, todo))
    return "\n".join(lines)


def _what(run: PlannedRun) -> str:
    """What is to be done with a run, with its state where that does not say it."""
    state = run.status.state if run.status else ""
    says = run.found in ("left", "retry") or state == "diverged"
    return _WORDS[run.found] + (f" ({state})" if says else "")


def _estimate(plan: Plan, todo: Sequence[PlannedRun]) -> str:
    from vgp_bench.building import resolve_device

    for device in dict.fromkeys(run.composed.config["device"] for run in todo):
        try:
            resolve_device(device)
        except ConfigError:  # planned for a cluster
            return f"No estimate: the runs are for device={device}, which this machine has not"
    kinds: dict[str, list[PlannedRun]] = {}
    for run in todo:
        kinds.setdefault(canonical(settled(run.composed.config, without=("seed",))), []).append(run)
    groups = list(kinds.values())
    few = groups if len(groups) <= MOST_MEASURED else [groups[0], groups[len(groups) // 2], groups[-1]]
    seconds = []
    for group in few:
        try:
            seconds.append(seconds_of_run(group[0].composed.config))
        except UserError as error:
            return f"No estimate: {group[0].composed.label or 'the run'} would be refused: {error}"
    if len(few) == len(groups):
        total = sum(one * len(group) for one, group in zip(seconds, groups, strict=True))
    else:
        total = statistics.mean(seconds) * len(todo)
    at_once, how = _at_once(plan, todo)
    total = max(total / at_once, *seconds) if at_once > 1 else total
    what = f"each of {len(few)} of {len(groups)} different runs" if len(groups) > 1 else "one run"
    return f"Estimated time, {how}: {duration(total)} (from a few steps of {what}{_not_included(plan)})"


def _at_once(plan: Plan, todo: Sequence[PlannedRun]) -> tuple[int, str]:
    """How many runs go on at a time, as far as that is known here, and that in words."""
    if isinstance(plan.launcher, Local):
        launcher = plan.launcher
        places = slots([run.composed for run in todo], launcher.threads, launcher.runs_per_gpu)
        at_once = min(len(places), len(todo))
    else:
        jobs = todo[0].composed.config["jobs"]
        at_once = 1 if jobs == "auto" else min(int(jobs), len(todo))
    if at_once == 1:
        return 1, "one after the other on this machine"
    where = "on this machine" if isinstance(plan.launcher, Local) else "each as fast as here"
    return at_once, f"{at_once} at once {where}"


def _not_included(plan: Plan) -> str:
    if plan.launcher_name == "inline":
        return ""
    waits = "" if isinstance(plan.launcher, Local) else " and waiting for a place"
    return f"; not included: a few seconds to start the process of each{waits}"


def seconds_of_run(config: dict[str, Any]) -> float:
    """Roughly how long a run takes on this machine: a few steps, one measured step and one validation, scaled.

    Raises ConfigError or DataError as the run itself would.
    """
    from vgp_bench.building import build, resolve_device
    from vgp_bench.building import settled as with_paths
    from vgp_bench.making import make
    from vgp_bench.monitor.cadence import Cadence
    from vgp_bench.training.evaluation import evaluate
    from vgp_bench.training.loop import Diverged, Loop

    config = with_paths({**config, "device": resolve_device(config["device"])})
    build(config, lambda row: None)  # loads the data, which runs share
    started = time.perf_counter()
    loop = build(config, lambda row: None)
    preparing = time.perf_counter() - started
    total, per_epoch = loop.total_steps, loop.batches.steps_per_epoch
    cadence: Cadence = make(config["monitor"])
    logged = sum(cadence.logs(step, total - 1) for step in range(total))

    def timed(one: Loop) -> float:
        started = time.perf_counter()
        try:
            one.train()
        except Diverged:
            pass  # a rate too high costs no less time
        return time.perf_counter() - started

    def of_steps(steps: int, monitor: dict[str, Any]) -> Loop:
        trainer = {**config["trainer"], "max_steps": min(steps, total), "max_epochs": config["trainer"]["max_epochs"]}
        return build({**config, "trainer": trainer, "monitor": monitor}, lambda row: None)

    off = {**config["monitor"], "dense_steps": 0, "every": None, "probe_every": None}
    steps = min(STEPS, per_epoch, total)  # within the first epoch, so that each has one validation
    timed(of_steps(steps, off))  # to warm up
    bare = timed(of_steps(steps, off))
    started = time.perf_counter()
    evaluate(loop.model, loop.feed, "validation")
    validation = time.perf_counter() - started
    a_step = max(bare - validation, 0.0) / max(steps, 1)
    a_logged_step = max(timed(of_steps(1, config["monitor"])) - validation, a_step) if logged else a_step
    epochs = -(-total // per_epoch)
    return preparing + (total - logged) * a_step + logged * a_logged_step + (epochs + 1) * validation
