"""One run from its composed config to its record, whatever happens on the way."""

import contextlib
import math
import traceback
from collections.abc import Callable

import torch

from vgp_bench.building import build, build_trackers, device_name, resolve_device, settled
from vgp_bench.config import ComposedRun
from vgp_bench.config_check import check
from vgp_bench.errors import ResultsError, UserError
from vgp_bench.outcome import Outcome
from vgp_bench.records.environment import describe_environment
from vgp_bench.records.identity import run_id
from vgp_bench.records.rows import Row
from vgp_bench.records.status import State
from vgp_bench.records.store import RunStore, run_path
from vgp_bench.records.summary import summarize
from vgp_bench.trackers.mirror import Mirror
from vgp_bench.trackers.tracker import TrackedRun
from vgp_bench.training.evaluation import evaluate
from vgp_bench.training.loop import Diverged, Loop, Progress
from vgp_bench.training.peak_memory import PeakMemory


def perform(composed: ComposedRun, command: list[str], announce: Callable[[int], Progress]) -> Outcome:
    """Check, build and train a composed run, and keep its record; a finished run is not run again.

    announce: told the number of steps before the first one; what it returns is called as they are done.
    Raises KeyboardInterrupt, the record then being `interrupted`; every other end is an Outcome.
    """
    label = composed.label
    try:
        check(composed)
        config = settled({**composed.config, "device": resolve_device(composed.config["device"])})
        device = torch.device(config["device"])
        path = run_path(config["results_dir"], config["experiment_name"], run_id(config))
        store = RunStore(path)
        if store.is_finished():
            return Outcome(label, "kept", path, store.status().state, store.summary())
        store.check_writable()
        if store.is_running():
            return Outcome(label, "refused", path, f"another process is running it: {path}; wait for it, or stop it")
        mirror = Mirror(build_trackers(config))

        def sink(row: Row) -> None:
            store.append(row)
            mirror.append(row)

        loop: Loop | Exception
        try:
            memory = PeakMemory(device)
            loop = build(config, sink)
        except UserError:
            raise
        except Exception as error:  # a part of the user's own, say; the record keeps the traceback
            if reason := _out_of_memory(error):
                return Outcome(label, "refused", None, reason)
            loop = error
        store.begin(config, composed.choices, describe_environment(device_name(device), command))
    except UserError as error:
        return Outcome(label, "refused", None, str(error))
    try:
        mirror.open(TrackedRun(path, config, composed.choices))
        if isinstance(loop, Exception):
            raise loop
        state, reason, test_loss, test_accuracy = _train(loop, store, mirror, announce(loop.total_steps))
        summary = summarize(
            store.columns("epochs"),
            store.columns("layers"),
            parameters=sum(p.numel() for p in loop.model.parameters() if p.requires_grad),
            steps=loop.done,
            seconds=loop.clock.seconds,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            peak_memory_bytes=memory.read(),
            chance_loss=loop.feed.chance.loss,
            chance_accuracy=loop.feed.chance.accuracy,
            times=store.columns("times"),
            clipped=store.columns("steps")["clipped"],
        )
        store.finish(state, summary, reason)
        return Outcome(label, state, path, reason, summary)
    except KeyboardInterrupt:
        with contextlib.suppress(ResultsError):
            store.finish("interrupted", reason="stopped from the keyboard")
        raise
    except ResultsError as error:  # the disk refuses: what was written before stays, the state could not be
        return Outcome(label, "failed", path, str(error))
    except Exception as error:
        return _failed(label, store, error)
    finally:
        mirror.close(store)  # after the record: what is copied is what became of it


def _train(loop: Loop, store: RunStore, mirror: Mirror, progress: Progress) -> tuple[State, str, float, float]:
    """(state, reason, test loss, test accuracy). The test data is read here, once, after the last step."""

    def told(steps: int, loss: float) -> None:
        progress(steps, loss)
        store.flush_if_due()
        mirror.flush_if_due()

    loop.progress = told
    try:
        loop.train()
    except Diverged as error:
        return "diverged", str(error), math.nan, math.nan
    test_loss, test_accuracy = evaluate(loop.model, loop.feed, "test")
    if not math.isfinite(test_loss):  # the last step broke what every earlier loss had found in order
        return "diverged", f"the loss on the test data is {test_loss} after the last step", math.nan, math.nan
    return "completed", "", test_loss, test_accuracy


def _failed(label: str, store: RunStore, error: Exception) -> Outcome:
    """The end of a run by an error that nobody expected; its traceback goes into the record."""
    reason = _out_of_memory(error) or _first_line(error)
    try:
        store.finish("failed", None, reason, "".join(traceback.format_exception(error)))
    except ResultsError as refusal:
        reason = f"{reason}; {refusal}"
    return Outcome(label, "failed", store.path, reason)


_LACK_OF_MEMORY = (
    "can't allocate memory",  # the CPU's allocator, which raises a plain RuntimeError
    "not enough memory",
    "Storage size calculation overflowed",
    "CUBLAS_STATUS_ALLOC_FAILED",  # libraries of CUDA that ask for memory of their own
    "CUDNN_STATUS_ALLOC_FAILED",
)


def _out_of_memory(error: BaseException) -> str:
    """One line with what to change, if this is a lack of memory on CPU or GPU; else ''."""
    words = str(error)
    if any(sign in words for sign in _LACK_OF_MEMORY) or isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return f"out of memory; make trainer.batch_size or the architecture smaller ({_first_line(error)})"
    return ""


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
