"""Parts as a user might write them, for tests of what goes wrong in the middle of a training."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn

steps_in_this_process = 0


class Incident(torch.optim.SGD):
    """SGD to which something happens at step $INCIDENT_AT, counted from 0 over all runs of the process.

    Nothing if there is no file $HOLD. If it is empty, an exception; if it holds `wait`, the step says `held` and lasts
    until the file is gone; else it names a folder, whose disk is filled up.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float = 0.05) -> None:
        super().__init__(params, lr=lr)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        global steps_in_this_process
        number, steps_in_this_process = steps_in_this_process, steps_in_this_process + 1
        hold = Path(os.environ["HOLD"])
        if number == int(os.environ["INCIDENT_AT"]) and hold.exists():
            self.happen(hold)
        return super().step(closure)

    def happen(self, hold: Path) -> None:
        text = hold.read_text()
        if not text:
            raise ArithmeticError("an own part\nwith an own mind")
        if text == "wait":
            os.write(1, b"held\n")  # past the buffer of print, which is to be tested too
            while hold.exists():
                time.sleep(0.01)
            return
        with (Path(text) / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
