"""One logged step, seen from inside: hooks for the length of one forward and backward pass, then rows.

Everything is measured on the device; the host reads all figures at once, at the end. The hooks only look: they draw no
random number and change no tensor, so the training is the same to the bit.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from vgp_bench.architectures.stages import Stage
from vgp_bench.components.activations import activation_modules
from vgp_bench.components.saturation import Counter, saturation_counter
from vgp_bench.monitor.layer_figures import Places, layer_row
from vgp_bench.monitor.moments import moments
from vgp_bench.monitor.norms import Figure, finite_norm
from vgp_bench.monitor.readings import Readings
from vgp_bench.monitor.room import Room
from vgp_bench.monitor.update import Update
from vgp_bench.monitor.zeros import zero_count
from vgp_bench.records.rows import AngleRow, HistogramRow, LayerRow, ProbeRow


class StageGauge:
    """What is looked up once for a stage: its weights, its activations and how their saturation is counted."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.weights = [weight for weight in stage.weights() if weight.requires_grad]
        self.size = sum(weight.numel() for weight in self.weights)
        self.activations = [(module, saturation_counter(module)) for module in activation_modules(stage.module)]


def all_weights(gauges: Sequence[StageGauge]) -> list[nn.Parameter]:
    """The measured weights of all stages, in depth order."""
    return [weight for gauge in gauges for weight in gauge.weights]


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
        self.places = [Places() for _ in gauges]
        self.handles: list[RemovableHandle] = []
        self.scale = 1.0
        for gauge, places in zip(gauges, self.places, strict=True):
            for module, count_saturated in gauge.activations:
                look = partial(self._on_activation, places, count_saturated)
                self.handles.append(module.register_forward_hook(look))
            self.handles.append(gauge.stage.module.register_forward_hook(partial(self._on_output, places)))

    def _on_activation(
        self,
        places: Places,
        count_saturated: Counter,
        module: nn.Module,
        inputs: tuple[Tensor, ...],
        output: Tensor,
    ) -> None:
        z = inputs[0].detach()
        saturated = self.readings.put(count_saturated(z))
        places.saturated.append(saturated)
        # ReLU is saturated exactly where it is zero: one count serves both.
        places.zeros.append(
            saturated if type(module) is nn.ReLU else self.readings.put(zero_count(output.detach(), self.room))
        )
        places.activation_size += z.numel()

    def _on_output(self, places: Places, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        mean, std, nonfinite = moments(output.detach())
        put = self.readings.put
        places.moments.append((put(mean), put(std), put(nonfinite)))
        places.sizes.append(output.numel())
        if output.requires_grad:
            self.handles.append(output.register_hook(partial(self._on_gradient, places)))

    def _on_gradient(self, places: Places, gradient: Tensor) -> None:
        norm, nonfinite = finite_norm(gradient.detach())
        places.gradients.append((self.readings.put(norm), self.readings.put(nonfinite)))
        places.gradient_size += gradient.numel()

    def after_backward(self, gradient_norms: Mapping[nn.Parameter, Figure], scale: float = 1.0) -> None:
        """Take the hooks away, read the weight gradients and remember the weights. Before clipping.

        gradient_norms: the true_norm of each parameter's gradient. scale: by how much the loss was scaled up
        against underflow in the backward pass; the weight gradients are at their true size again.
        """
        self.scale = scale
        for handle in self.handles:
            handle.remove()
        put = self.readings.put
        for gauge, places in zip(self.gauges, self.places, strict=True):
            for weight in gauge.weights:
                if weight.grad is not None:
                    norm, nonfinite = finite_norm(weight.grad, gradient_norms.get(weight))
                    places.weight_gradients.append((put(norm), put(nonfinite)))
        self.weight_norms = self.update.remember()

    def rows(self) -> list[LayerRow]:
        """The rows of this step, in depth order. After the optimizer's step."""
        put = self.readings.put
        figures = iter(zip(self.weight_norms, self.update.moved(), strict=True))
        for gauge, places in zip(self.gauges, self.places, strict=True):
            for norm, moved in (next(figures) for _ in gauge.weights):
                places.weights.append(put(norm))
                places.moves.append(put(moved))
        numbers = self.readings.read()
        return [
            layer_row(self.step, index, gauge.stage, gauge.size, places, numbers, self.scale, dead)
            for index, (gauge, places, dead) in enumerate(
                zip(self.gauges, self.places, self.dead_fractions, strict=True)
            )
        ]
