"""The state of a training as bytes: all that a loop, built anew from the same config, needs to go on to the same bits.

Not in it: data order and augmentation, which follow from seed, epoch and step; the monitor, whose observations begin
and end within a step. Read with weights_only=True: tensors and plain values, no code.
"""

import io
import pickle
from typing import Any

import torch
from torch.serialization import default_restore_location

from vgp_bench.training.loop import Loop
from vgp_bench.training.out_of_memory import out_of_memory
from vgp_bench.training.random_state import RandomState


class Unfit(Exception):  # noqa: N818  what was found, no error of ours
    """A state that does not fit this loop. The loop may be half changed: build it anew."""


def state_of(loop: Loop) -> bytes:
    """The loop between two steps, its tape read."""
    assert not loop.tape.length, "steps on the tape would be lost"
    seconds, lap = loop.clock.read()
    random = loop.random or RandomState.now(loop.device)
    buffer = io.BytesIO()
    torch.save(
        {
            "kinds": _kinds(loop),
            "model": loop.model.state_dict(),
            "optimizer": loop.optimizer.state_dict(),
            "schedule": loop.schedule.state_dict(),
            "precision": loop.step.precision.state(),
            "random": random.as_dict(),
            "done": loop.done,
            "epoch": loop.epoch,
            "sums": list(loop.sums),
            "seconds": seconds,
            "lap": lap,
        },
        buffer,
    )
    return buffer.getvalue()


def restore(loop: Loop, state: bytes) -> None:
    """Brings a loop that has not begun to where state_of() was called. Raises Unfit if it is of another kind; for a
    lack of memory or a fault of the GPU, which say nothing against the state, what torch raises."""

    def place(storage: Any, location: str) -> Any:
        # What lay on a GPU goes to this run's GPU, whatever its number was; some optimizers count steps on the CPU.
        return default_restore_location(storage, location if location == "cpu" else str(loop.device))

    try:
        content: dict[str, Any] = torch.load(io.BytesIO(state), map_location=place, weights_only=True)
        if content["kinds"] != _kinds(loop):
            raise ValueError(f"of {content['kinds']}, not {_kinds(loop)}")
        loop.model.load_state_dict(content["model"])
        loop.optimizer.load_state_dict(content["optimizer"])
        loop.schedule.load_state_dict(content["schedule"])
        loop.step.precision.restore(content["precision"])
        loop.done, loop.epoch, loop.sums = content["done"], content["epoch"], content["sums"]
        loop.clock.seconds, loop.clock.lap = content["seconds"], content["lap"]
        RandomState(**content["random"]).put_back(loop.device)
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        if out_of_memory(error) or isinstance(error, torch.AcceleratorError):
            raise
        words = " ".join(str(error).split())[:200]
        raise Unfit(f"its state does not fit this version of the run ({type(error).__name__}: {words})") from error


def _kinds(loop: Loop) -> list[str]:
    """What the state is of: torch would load one optimizer's state into another and say nothing."""
    return [
        f"{type(part).__module__}.{type(part).__qualname__}" for part in (loop.model, loop.optimizer, loop.schedule)
    ]
