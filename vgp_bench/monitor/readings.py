"""Figures of one step, on the device until the host reads them all at once."""

import math

import torch
from torch import Tensor


class Readings:
    """put() figures into lists of numbers as they come; read() fills in those that are still on a device."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Tensor, list[float], int]] = []

    def put(self, figure: Tensor | float, into: list[float]) -> None:
        """Append a figure, a 0-d tensor or a number the host knows already. Until read() a NaN stands for a tensor."""
        if isinstance(figure, Tensor):
            self._waiting.append((figure, into, len(into)))
            figure = math.nan
        into.append(figure)

    def read(self) -> None:
        """All figures of a device in one transfer, on CUDA the only wait of the step."""
        joined: list[tuple[list[tuple[list[float], int]], Tensor]] = []
        for kind in {(figure.dtype, figure.device) for figure, _, _ in self._waiting}:
            alike = [(f, into, place) for f, into, place in self._waiting if (f.dtype, f.device) == kind]
            joined.append(([(into, place) for _, into, place in alike], torch.stack([f for f, _, _ in alike]).double()))
        for device in {figures.device for _, figures in joined}:  # one, but for a network that lies on several
            there = [(places, figures) for places, figures in joined if figures.device == device]
            values = torch.cat([figures for _, figures in there]).tolist()
            for (into, place), value in zip((p for places, _ in there for p in places), values, strict=True):
                into[place] = value
        self._waiting = []
