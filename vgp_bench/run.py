"""One run from its composed config to its record, whatever happens on the way."""

import contextlib
import math
import signal
import traceback
from collections.abc import Callable
from typing import Any

import torch

from vgp_bench.building import build, build_trackers, device_name, resolve_device, settled
from vgp_bench.config import ComposedRun
from vgp_bench.config_check import check
from vgp_bench.errors import DiskFull, ResultsError, Stopped, Superseded, UserError
from vgp_bench.outcome import Outcome
from vgp_bench.records.chance import ChanceLevels
from vgp_bench.records.environment import describe_environment
from vgp_bench.records.identity import run_id
from vgp_bench.records.pace import Pace
from vgp_bench.records.rows import TABLES, Row
from vgp_bench.records.soundness import Depth
from vgp_bench.records.status import State
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.trackers.mirror import Mirror
from vgp_bench.trackers.tracker import TrackedRun
from vgp_bench.training.keeper import RunKeeper
from vgp_bench.training.loop import Diverged, Loop, Progress
from vgp_bench.training.out_of_memory import first_line, out_of_memory
from vgp_bench.training.peak_memory import PeakMemory
from vgp_bench.training.resuming import Resumption, resumed
from vgp_bench.training.signals import Signals
from vgp_bench.training.summing_up import summary_of
from vgp_bench.training.threads import given_back, take_as_begun

Announce = Callable[[int], Progress]
"""Told the number of steps before the first one; what it returns is called as they are done."""

ANY_END = (Exception, SystemExit)
"""What a part of the user's own may raise and no run beside it must end by: sys.exit, as code written as a script calls
it, would end a whole sweep, as if all had gone well."""


def perform(composed: ComposedRun, command: list[str], announce: Announce) -> Outcome:
    """Check, build and train a composed run, and keep its record; a finished run is not run again, an interrupted or
    lost one goes on from its newest good checkpoint.

    SIGINT, SIGTERM and SIGUSR2 let the present step end; then a checkpoint is written, the record says `interrupted`
    and Stopped is raised (before the training: at once, and there may be no record yet). A second SIGINT breaks off at
    once, with KeyboardInterrupt. Every other end is an Outcome.
    """
    with Signals() as signals, given_back():
        outcome = _Run(composed, command, signals).outcome(announce)
        signals.check()  # it came too late to stop this run, but in time to stop what would follow
        return outcome


class _NoMemory(Exception):  # noqa: N818
    """The network does not fit; says what to make smaller."""


class _Run:
    def __init__(self, composed: ComposedRun, command: list[str], signals: Signals) -> None:
        self.composed = composed
        self.command = command
        self.signals = signals

    def outcome(self, announce: Announce) -> Outcome:
        label, path = self.composed.label, None
        try:
            check(self.composed)
            config = settled({**self.composed.config, "device": resolve_device(self.composed.config["device"])})
            self.pace = Pace(config["checkpoint_seconds"], config["checkpoint_steps"])
            path = run_path(config["results_dir"], config["experiment_name"], run_id(config))
            self.store = RunStore(path)
            self.again = config["retry"] == "all"
            self.depth: Depth = "rows" if self.again else "columns"
            known = self.store.status().ended if self.store.is_finished(self.depth) else None
            if kept := self._kept():
                return kept
            self.store.check_writable()
            self.store.refuse_if_owned()
            self.mirror = Mirror(build_trackers(config))
            self.memory = PeakMemory(torch.device(config["device"]))
            take_as_begun(self.store)
            with self.signals.at_once():
                loop = self._built(config)
            self.store.claim()
            # From here on a divergence is a new one: of a process that had the run in hand a moment ago.
            self.again = self.again and known is not None and self.store.status().ended == known
        except Superseded as error:
            return Outcome(label, "refused", path, str(error))
        except DiskFull as error:  # no mistake in the call
            return Outcome(label, "failed", None, str(error))
        except (UserError, _NoMemory) as error:
            return Outcome(label, "refused", None, str(error))
        try:
            # Whoever had it in hand a moment ago may have finished it.
            return self._kept() or self._recorded(config, loop, announce)
        finally:
            self.store.release()

    def _kept(self) -> Outcome | None:
        """The outcome of old, if the run is not to be done again; a divergence is done again only where all is."""
        if not self.store.is_finished(self.depth):
            return None
        if self.again and self.store.status().state == "diverged":
            return None
        return Outcome(self.composed.label, "kept", self.store.path, self.store.status().state, self.store.summary())

    def _built(self, config: dict[str, Any]) -> Loop | BaseException:
        try:
            return build(config, self._sink)
        except UserError:
            raise
        except ANY_END as error:  # a part of the user's own, say; the record keeps the traceback
            if reason := out_of_memory(error):
                raise _NoMemory(reason) from error
            return error

    def _sink(self, row: Row) -> None:
        self.store.append(row)
        self.mirror.append(row)

    def _recorded(self, config: dict[str, Any], loop: Loop | BaseException, announce: Announce) -> Outcome:
        """The run is in hand: from here on it has a record."""
        label, store = self.composed.label, self.store
        try:
            if isinstance(loop, BaseException) and store.checkpoints.exist():
                # Whatever keeps it from being built now, what it has is good: it goes on once that is mended.
                return _failed(label, store, loop, "interrupted")
            start = self._begun(config, loop)
        except DiskFull as error:
            return Outcome(label, "failed", None, str(error))
        except UserError as error:
            return Outcome(label, "refused", None, str(error))
        try:
            self.mirror.open(TrackedRun(store.path, config, self.composed.choices))
            self.mirror.replay(row for table in TABLES for row in store.rows(table))
            if isinstance(start, BaseException):
                raise start
            return self._trained(start, announce)
        except KeyboardInterrupt as error:
            with contextlib.suppress(ResultsError):
                store.finish("interrupted", reason=_words(error))
            raise
        except Superseded as error:
            return Outcome(label, "refused", store.path, str(error))
        except ResultsError as error:  # the disk refuses: what was written stays, and once there is room it goes on
            with contextlib.suppress(ResultsError):
                store.finish("interrupted", reason=str(error))
            return Outcome(label, "failed", store.path, str(error))
        except ANY_END as error:
            return _failed(label, store, error)
        finally:
            self.mirror.close(store)  # after the record: what is copied is what became of it

    def _begun(self, config: dict[str, Any], loop: Loop | BaseException) -> Resumption | BaseException:
        """The record as that of a running run, begun anew or gone on with; and how, if there is a loop."""
        device = device_name(torch.device(config["device"]))
        environment = describe_environment(device, self.command, torch.get_num_threads())
        if isinstance(loop, BaseException):
            self.store.begin(config, self.composed.choices, environment)
            return loop
        start = resumed(self.store, loop, lambda: build(config, self._sink))
        chance = ChanceLevels(loop.feed.chance.loss, loop.feed.chance.accuracy)
        begun = environment | {"chance": chance.as_json()}  # a summary has it too, but only at the end
        if start.position is not None:
            start.problems += self.store.renew(config, self.composed.choices, begun)
        elif damage := self.store.damage(self.depth):
            what = start.problems or [f"damaged: {damage}"]
            start.problems = [*what, f"what it had is kept in {self.store.set_aside()}"]
        start.tell(self.store.path)
        entry = start.entry(environment)
        if start.position is not None:
            self.store.go_on(entry)
        else:
            more = {"resumed": [entry]} if start.problems else {}
            self.store.begin(config, self.composed.choices, begun | more)
        return start

    def _trained(self, start: Resumption, announce: Announce) -> Outcome:
        loop, store = start.loop, self.store
        keeper = RunKeeper(loop, store, self.memory, self.signals, self.pace, start.position)
        loop.keeper = keeper
        progress = announce(loop.total_steps)
        if loop.done:
            progress(loop.done, math.nan)

        def told(steps: int, loss: float) -> None:
            progress(steps, loss)
            self.mirror.flush_if_due()

        loop.progress = told
        state, reason, test = _train(loop)
        summary = summary_of(loop, store, test, keeper.peak_memory())
        store.finish(state, summary, reason)
        return Outcome(self.composed.label, state, store.path, reason, summary)


def _train(loop: Loop) -> tuple[State, str, tuple[float, float]]:
    """(state, reason, (test loss, test accuracy)). The test data is read here, once, after the last step."""
    unknown = math.nan, math.nan
    try:
        loop.train()
    except Diverged as error:
        return "diverged", str(error), unknown
    test = loop.evaluate("test")
    if not math.isfinite(test[0]):  # the last step broke what every earlier loss had found in order
        return "diverged", f"the loss on the test data is {test[0]} after the last step", unknown
    return "completed", "", test


def _words(error: KeyboardInterrupt) -> str:
    """Why the run was interrupted."""
    by_hand = not isinstance(error, Stopped) or error.number == signal.SIGINT
    return "stopped from the keyboard" if by_hand else str(error)


def _failed(label: str, store: RunStore, error: BaseException, state: State = "failed") -> Outcome:
    """The end of a run by an error that nobody expected; its traceback goes into the record. state: of that."""
    reason = out_of_memory(error) or first_line(error)
    try:
        store.finish(state, None, reason, "".join(traceback.format_exception(error)))
    except ResultsError as refusal:
        reason = f"{reason}; {refusal}"
    return Outcome(label, "failed", store.path, reason)
