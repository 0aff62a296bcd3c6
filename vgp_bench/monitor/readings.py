"""Figures of one step, on the device until the host reads them all at once."""

import torch
from torch import Tensor


class Readings:
    """put() figures as they come, 0-d tensors; read() gives their numbers, by the place that put() gave."""

    def __init__(self) -> None:
        self._figures: list[Tensor | float] = []

    def put(self, figure: Tensor | float) -> int:
        """Keep a figure, or a number the host knows already; returns its place."""
        self._figures.append(figure)
        return len(self._figures) - 1

    def read(self) -> list[float]:
        """All figures of a device in one transfer, on CUDA the only wait of the step."""
        numbers = [figure if isinstance(figure, float) else 0.0 for figure in self._figures]
        joined: list[tuple[tuple[int, ...], Tensor]] = []
        waiting = [(place, f) for place, f in enumerate(self._figures) if isinstance(f, Tensor)]
        for kind in {(tensor.dtype, tensor.device) for _, tensor in waiting}:
            places, tensors = zip(*((p, t) for p, t in waiting if (t.dtype, t.device) == kind), strict=True)
            joined.append((places, torch.stack(tensors).double()))
        for device in {figures.device for _, figures in joined}:  # one, but for a network that lies on several
            there = [(places, figures) for places, figures in joined if figures.device == device]
            values = torch.cat([figures for _, figures in there]).tolist()
            for place, value in zip((p for places, _ in there for p in places), values, strict=True):
                numbers[place] = value
        return numbers
