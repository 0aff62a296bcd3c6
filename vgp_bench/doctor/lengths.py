"""For how many steps a network is tried where nobody says: by what it is, before it is known how it trains."""

from vgp_bench.config import ComposedRun
from vgp_bench.config_check import parameters, reads_images_as_sequences
from vgp_bench.diagnosis.remedy_options import RECURRENT

QUICK, SLOW = 200, 1000
"""Steps of a full trial. On images a network that can learn shows it in fewer than QUICK. Where it has to remember, the
loss first stays near chance for hundreds of steps, also of a network that then learns the task: of an LSTM on the
adding problem, say (Le et al. 2015, section 4.1; our claim `adding`)."""


def is_slow(composed: ComposedRun) -> bool:
    """Whether it is a recurrent network, or any network on a task of sequences."""
    if composed.choices["architecture"] in RECURRENT:
        return True
    return "sequence" in parameters(composed.config["architecture"]) and not reads_images_as_sequences(composed.config)


def usual_steps(composed: ComposedRun) -> int:
    return SLOW if is_slow(composed) else QUICK
