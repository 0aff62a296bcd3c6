"""Which weights of a foreign network a gradient reaches, and which of them an optimizer holds.

That a parameter has no gradient at all, not even zero, says the training loop itself: nothing is computed for it.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

from vgp_bench.live.finding_stages import layer_name
from vgp_bench.live.kinds import is_part_of_a_weight, own_weights


class Reached:
    """look() at measured steps, each time an optimizer is about to step; then the names of layers, in their order."""

    def __init__(self, model: nn.Module) -> None:
        makers = {inner for m in model.modules() if is_part_of_a_weight(m) for inner in m.modules()}
        self._weights = {
            layer_name(path, module): own
            for path, module in model.named_modules()
            if module not in makers and (own := own_weights(module))
        }
        self._with_gradient: set[Tensor] = set()
        self._held: set[Tensor] = set()
        self._looked = False

    def look(self, optimizers: Sequence[Optimizer]) -> None:
        """The backward pass is over; the optimizers may have got further parameters since the last look."""
        self._looked = True
        self._with_gradient.update(w for own in self._weights.values() for w in own if w.grad is not None)
        self._held.update(p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"])

    @property
    def frozen(self) -> list[str]:
        """Layers none of whose weights requires a gradient."""
        return self._named(lambda own: not any(w.requires_grad for w in own))

    @property
    def cut_off(self) -> list[str]:
        """Layers that are to be trained and never had a gradient; none before the first look."""
        return self._named(
            lambda own: self._looked and any(w.requires_grad for w in own) and self._with_gradient.isdisjoint(own)
        )

    @property
    def left_out(self) -> list[str]:
        """Layers that have gradients, which no optimizer uses."""
        return self._named(lambda own: not self._with_gradient.isdisjoint(own) and self._held.isdisjoint(own))

    def _named(self, holds: Callable[[Sequence[Tensor]], bool]) -> list[str]:
        return [name for name, own in self._weights.items() if holds(own)]
