"""What popular articles tell their readers to look for, as of one picture of the gradients at the end.

Vanishing: the gradient of the first layer's weights is 3 orders of magnitude (some say 4) below that of the last one;
exploding: as far above it, or NaN; dying ReLU: more than half of the activations of a layer are 0.
"""

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.finding import Verdict
from vgp_bench.diagnosis.looks import looks
from vgp_bench.diagnosis.rules.tables import each_once, figures, is_broken, loss_is_lost

ORDERS = 1e3
ZEROS = 0.5


def judge(case: Case) -> list[Verdict]:
    """What is in the picture of the last logged step."""
    found: list[Verdict] = ["exploding"] if loss_is_lost(case) else []
    logged = looks(case, "layers", "weight_gradient_l2")
    if logged:
        look = logged[-1]
        norms = figures(look, "weight_gradient_l2")
        found += ["exploding"] * (is_broken(look) or bool(norms[0] > ORDERS * norms[-1]))
        found += ["vanishing"] * bool(norms[0] < norms[-1] / ORDERS)
        found += ["dead units"] * bool((figures(look, "zero_fraction") > ZEROS).any())
    return each_once(found)
