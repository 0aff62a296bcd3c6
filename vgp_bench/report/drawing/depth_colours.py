"""The colour of a layer where depth is not on an axis: from dark at the input to light at the output."""

from collections.abc import Sequence

import numpy as np

from vgp_bench.report.series.band import Array


class DepthColours:
    """Colours for the layers of several networks: viridis without its palest end, which is lost on white.

    depths: weight layers from the input, an array a network. Networks of one depth are coloured by the number of
    the layer; of different depths by its share of the whole, or a shallow network would be dark throughout.
    """

    def __init__(self, depths: Sequence[Array]) -> None:
        import matplotlib
        from matplotlib.colors import ListedColormap, Normalize

        deepest = {float(depth[-1]) for depth in depths}
        self.share = len(deepest) > 1
        self.colours = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.88, 256)), "depth")
        last = 100.0 if self.share else max(deepest)
        self.norm = Normalize(min(1.0, last - 1) if not self.share else 0.0, last)
        self.label = (
            "depth, % of the weight layers from the input" if self.share else "depth (weight layers from the input)"
        )

    def of(self, depth: float, deepest: float) -> str:
        """The colour of a layer of a network with so many weight layers, as #rrggbb."""
        from matplotlib.colors import to_hex

        value = 100 * depth / deepest if self.share else depth
        return to_hex(self.colours(self.norm(value)))
