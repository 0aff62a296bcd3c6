"""Histogram of h_l over the whole probe set (Glorot & Bengio 2010, fig. 4: how activations pile up at both ends).

Its bins are those of bins.py, the same for layers and steps of a similar range.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.architectures.stages import Stage
from vgp_bench.monitor.bins import bins, counts
from vgp_bench.monitor.host_bins import host_counts
from vgp_bench.records.rows import HistogramRow


class Histograms:
    """A Watcher of the probe set: counts the outputs of each stage as they pass, on their device.

    A stage that runs several times in one pass has the bins of each run.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages
        self.counted: list[tuple[int, int, Tensor]] = []  # stage, number of values, counts() of them

    def register(self) -> list[RemovableHandle]:
        """A hook on every stage."""
        return [
            stage.module.register_forward_hook(partial(self._on_output, index))
            for index, stage in enumerate(self.stages)
        ]

    def _on_output(self, index: int, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.numel():
            values = output.detach()
            found = host_counts(values)
            self.counted.append((index, values.numel(), counts(values) if found is None else found))

    def rows(self, step: int) -> list[HistogramRow]:
        """The rows of one step, in depth order. Reads all stages at once: on CUDA each reading is a wait."""
        if not self.counted:
            return []
        read = torch.stack([found for _, _, found in self.counted]).tolist()
        runs = sorted(zip(self.counted, read, strict=True), key=lambda run: run[0][0])
        return [
            HistogramRow(
                step=step,
                stage=index,
                name=self.stages[index].name,
                kind=self.stages[index].kind,
                depth=self.stages[index].depth,
                lower=lower,
                upper=upper,
                count=count,
            )
            for (index, size, _), numbers in runs
            for lower, upper, count in bins(numbers, size)
        ]
