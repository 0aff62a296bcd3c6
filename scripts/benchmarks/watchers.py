"""Who looks at a foreign loop: nobody, our Monitor, and what others offer for it, as far as it is installed."""

import contextlib
import importlib.metadata
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

import vgp_bench
from benchmarks.foreign_loops import Watcher

OURS = "Monitor"


def nobody(model: nn.Module, optimizer: torch.optim.Optimizer) -> AbstractContextManager[Callable[[Tensor], None]]:
    """A bare loop."""
    return nullcontext(lambda loss: None)


@contextlib.contextmanager
def ours(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[Callable[[Tensor], None]]:
    """The Monitor as it is by default, report and verdict included."""
    with vgp_bench.Monitor(model, optimizer) as monitor:
        yield monitor.log
    monitor.report()


@contextlib.contextmanager
def torchmortem(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[Callable[[Tensor], None]]:
    """Its Autopsy as it is by default, findings included; the page it can write is not.

    Its own example calls step() after the optimizer's; once a step is what counts here.
    """
    from torchmortem import Autopsy

    logging.getLogger("torchmortem").setLevel(logging.ERROR)
    with Autopsy(model, optimizer=optimizer) as autopsy:
        yield lambda loss: autopsy.step(loss=loss.item())


@contextlib.contextmanager
def _wandb() -> Iterator[Watcher]:
    """wandb.watch of a run that lasts as long as the benchmark: starting one takes seconds that are not looking.

    Histograms of all gradients and weights every 50th step, as often as the Monitor looks; its own default is 1000.
    The process in which it writes its files does not count as CPU time.
    """
    os.environ["WANDB_SILENT"] = "true"
    import wandb

    with tempfile.TemporaryDirectory() as folder:
        run: Any = wandb.init(mode="offline", dir=folder, project="bench")

        @contextlib.contextmanager
        def watch(model: nn.Module, optimizer: torch.optim.Optimizer) -> Iterator[Callable[[Tensor], None]]:
            run.watch(model, log="all", log_freq=50)
            yield lambda loss: run.log({"loss": loss})
            run.unwatch(model)

        yield watch
        run.finish()


@contextlib.contextmanager
def watchers() -> Iterator[dict[str, Watcher]]:
    """Those that are installed, by name and version; ours is the first."""
    with contextlib.ExitStack() as stack:
        found: dict[str, Watcher] = {OURS: ours}
        if version := _version("wandb"):
            found[f"wandb.watch {version}"] = stack.enter_context(_wandb())
        if version := _version("torchmortem"):
            found[f"torchmortem {version}"] = torchmortem
        yield found


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
