"""One logged step, seen from inside: hooks for the length of one forward and backward pass, then rows.

Everything is measured on the device; the host reads all figures at once, at the end. The hooks only look: they draw no
random number and change no tensor, so the training is the same to the bit.
"""

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.saturation import saturated_count
from vgp_bench.monitor.moments import moments
from vgp_bench.monitor.norms import finite_norm
from vgp_bench.monitor.update import WeightUpdate
from vgp_bench.records.rows import LayerRow


class Observation:
    """Registers its hooks when made. Then, in this order: forward and backward; after_backward(); clipping and the
    optimizer's step; rows()."""

    def __init__(self, stages: Sequence[Stage], step: int, dead_fractions: Sequence[float]) -> None:
        self.stages = stages
        self.step = step
        self.dead_fractions = dead_fractions
        self.weights = [[w for w in stage.weights() if w.requires_grad] for stage in stages]
        self.gauges: dict[tuple[int, str], list[Tensor]] = {}
        self.sizes: dict[tuple[int, str], int] = {}
        self.handles: list[RemovableHandle] = []
        for index, stage in enumerate(stages):
            for module in activation_modules(stage.module):
                self.handles.append(module.register_forward_hook(partial(self._on_activation, index)))
            self.handles.append(stage.module.register_forward_hook(partial(self._on_output, index)))

    def _note(self, index: int, name: str, value: Tensor, size: int = 0) -> None:
        self.gauges.setdefault((index, name), []).append(value)
        self.sizes[index, name] = self.sizes.get((index, name), 0) + size

    def _on_activation(self, index: int, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        with torch.no_grad():
            z, phi = inputs[0].detach(), output.detach()
            self._note(index, "saturated", saturated_count(module, z), z.numel())
            self._note(index, "nonzero", torch.count_nonzero(phi), phi.numel())

    def _on_output(self, index: int, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        with torch.no_grad():
            mean, std, nonfinite = moments(output.detach())
        self._note(index, "mean", mean)
        self._note(index, "std", std)
        self._note(index, "nonfinite", nonfinite)
        if output.requires_grad:
            self.handles.append(output.register_hook(partial(self._on_gradient, index)))

    def _on_gradient(self, index: int, gradient: Tensor) -> None:
        norm, nonfinite = finite_norm(gradient)
        self._note(index, "gradient", norm, gradient.numel())
        self._note(index, "nonfinite_gradient", nonfinite)

    def after_backward(self) -> None:
        """Take the hooks away, read the weight gradients and remember the weights. Before clipping."""
        for handle in self.handles:
            handle.remove()
        for index, weights in enumerate(self.weights):
            for weight in weights:
                if weight.grad is not None:
                    norm, nonfinite = finite_norm(weight.grad)
                    self._note(index, "weight_gradient", norm, weight.numel())
                    self._note(index, "nonfinite_weight_gradient", nonfinite)
        self.update = WeightUpdate([weight for weights in self.weights for weight in weights])

    def rows(self) -> list[LayerRow]:
        """The rows of this step, in depth order. After the optimizer's step."""
        befores, moves = self.update.norms()
        place = 0
        for index, weights in enumerate(self.weights):
            for before, move in zip(befores[place : place + len(weights)], moves[place:], strict=False):
                self._note(index, "weight", before)
                self._note(index, "move", move)
            place += len(weights)
        figures = self._read()
        return [self._row(index, stage, figures) for index, stage in enumerate(self.stages)]

    def _read(self) -> dict[tuple[int, str], list[float]]:
        """All gauges in one transfer to the host."""
        flat = [value.to(torch.float64) for values in self.gauges.values() for value in values]
        numbers = iter(torch.stack(flat).tolist() if flat else [])
        return {key: [next(numbers) for _ in values] for key, values in self.gauges.items()}

    def _row(self, index: int, stage: Stage, figures: dict[tuple[int, str], list[float]]) -> LayerRow:
        def total(name: str) -> float:
            return math.fsum(values) if (values := figures.get((index, name))) else math.nan

        def share(name: str) -> float:
            size = self.sizes.get((index, name), 0)
            return total(name) / size if size else math.nan

        def count(name: str) -> int:
            return int(sum(figures.get((index, name), [])))

        def joint_norm(name: str) -> float:
            return math.hypot(*values) if (values := figures.get((index, name))) else math.nan

        def rms(name: str) -> float:
            size = self.sizes.get((index, name), 0)
            return joint_norm(name) / math.sqrt(size) if size else math.nan

        weight = joint_norm("weight")
        return LayerRow(
            step=self.step,
            stage=index,
            name=stage.name,
            kind=stage.kind,
            depth=stage.depth,
            activation_gradient_l2=joint_norm("gradient"),
            activation_gradient_rms=rms("gradient"),
            weight_gradient_l2=joint_norm("weight_gradient"),
            weight_gradient_rms=rms("weight_gradient"),
            weight_l2=weight,
            update_ratio=joint_norm("move") / weight if weight else math.nan,
            activation_mean=total("mean"),
            activation_std=total("std"),
            saturated_fraction=share("saturated"),
            zero_fraction=1 - share("nonzero"),
            dead_fraction=self.dead_fractions[index],
            nonfinite_activations=count("nonfinite"),
            nonfinite_activation_gradients=count("nonfinite_gradient"),
            nonfinite_weight_gradients=count("nonfinite_weight_gradient"),
        )
