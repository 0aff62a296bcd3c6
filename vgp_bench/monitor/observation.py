"""One logged step, seen from inside: hooks for the length of one forward and backward pass, then rows.

Everything is measured on the device; the host reads all figures at once, at the end. The hooks only look: they draw no
random number and change no tensor, so the training is the same to the bit.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.components.saturation import Counter
from vgp_bench.monitor.gauge import StageGauge
from vgp_bench.monitor.layer_figures import LayerFigures, layer_row
from vgp_bench.monitor.norms import Figure
from vgp_bench.monitor.readings import Readings
from vgp_bench.monitor.returned import Returned, ReturnedLook
from vgp_bench.monitor.room import Room
from vgp_bench.monitor.update import Update
from vgp_bench.monitor.zeros import zero_count
from vgp_bench.records.rows import AngleRow, HistogramRow, LayerRow, ProbeRow


class Observation:
    """Registers its hooks when made. Then, in this order: forward and backward; after_backward(); clipping and the
    optimizer's step; rows(). dead_fractions and probed: what a look at the probe set found before the step."""

    def __init__(
        self,
        gauges: Sequence[StageGauge],
        update: Update,
        step: int,
        dead_fractions: Sequence[float],
        probed: Sequence[HistogramRow | ProbeRow | AngleRow] = (),
    ) -> None:
        self.gauges = gauges
        self.update = update
        self.step = step
        self.dead_fractions = dead_fractions
        self.probed = probed
        self.readings = Readings()
        self.room = Room()
        self.figures = [LayerFigures(self.readings) for _ in gauges]
        self.handles: list[RemovableHandle] = []
        self.looks: list[ReturnedLook] = []
        self.scale = 1.0
        for gauge, figures in zip(gauges, self.figures, strict=True):
            look = partial(self._on_output, figures)
            if gauge.returned is not None:
                look = partial(self._on_returned, figures, gauge.returned)
            else:
                for module, count_saturated in gauge.activations:
                    hook = partial(self._on_activation, figures, count_saturated)
                    self.handles.append(module.register_forward_hook(hook))
            self.handles.append(gauge.stage.module.register_forward_hook(look))

    def _on_activation(
        self,
        figures: LayerFigures,
        count_saturated: Counter,
        module: nn.Module,
        inputs: tuple[Tensor, ...],
        output: Tensor,
    ) -> None:
        z = inputs[0].detach()
        saturated = count_saturated(z)
        # ReLU is saturated exactly where it is zero: one count serves both.
        zeros = saturated if type(module) is nn.ReLU else zero_count(output.detach(), self.room)
        figures.add_activation(saturated, zeros, z.numel())

    def _on_output(self, figures: LayerFigures, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        figures.add_output(output.detach())
        if output.requires_grad:
            self.handles.append(output.register_hook(figures.add_gradient))

    def _on_returned(
        self, figures: LayerFigures, seen: Returned, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor
    ) -> None:
        look = ReturnedLook(figures, seen, output.detach())
        if not output.requires_grad:  # no graph keeps it: whoever comes next may write into it
            look.see()
            return
        self.looks.append(look)
        self.handles.append(output.register_hook(look.on_gradient))

    def after_backward(self, gradient_norms: Mapping[nn.Parameter, Figure], scale: float = 1.0) -> None:
        """Take the hooks away, read the weight gradients and remember the weights. Before clipping.

        gradient_norms: the true_norm of the weights' gradients, as far as it is known. scale: by how much the loss was
        scaled up against underflow in the backward pass; the weight gradients are at their true size again.
        """
        self.scale = scale
        for handle in self.handles:
            handle.remove()
        for look in self.looks:
            look.see()  # what no gradient reached
        for gauge, figures in zip(self.gauges, self.figures, strict=True):
            for weight in gauge.weights:
                if weight.grad is not None:
                    figures.add_weight_gradient(weight.grad, gradient_norms.get(weight))
        self.weight_norms = self.update.remember()

    def rows(self) -> list[LayerRow]:
        """The rows of this step, in depth order. After the optimizer's step."""
        measured = iter(zip(self.weight_norms, self.update.moved(), strict=True))
        for gauge, figures in zip(self.gauges, self.figures, strict=True):
            for norm, moved in (next(measured) for _ in gauge.weights):
                figures.add_weight(norm, moved)
        self.readings.read()
        return [
            layer_row(self.step, index, gauge.stage, gauge.size, figures, self.scale, dead)
            for index, (gauge, figures, dead) in enumerate(
                zip(self.gauges, self.figures, self.dead_fractions, strict=True)
            )
        ]
