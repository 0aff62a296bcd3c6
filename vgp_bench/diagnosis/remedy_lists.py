"""Which remedies are for which verdict, the most promising first.

Two principles: a setting that outweighs all others (a rate, a decay, dropout far from where they are usual) goes back
first; then the remedies that depend least on the other settings.
"""

from collections.abc import Callable, Sequence

from vgp_bench.diagnosis import remedy_options as o
from vgp_bench.diagnosis import remedy_rates as rates
from vgp_bench.diagnosis import remedy_recurrent as recurrent
from vgp_bench.diagnosis import remedy_steps as steps
from vgp_bench.diagnosis.finding import Remedy, Verdict
from vgp_bench.diagnosis.known import Known

Option = Callable[[Known], Remedy | None]

SLIPS: Sequence[Option] = (rates.usual_rate, steps.no_decay, o.no_dropout)
"""Settings that outweigh everything else: back to where they are usual, whatever the verdict."""
RATES: Sequence[Option] = (rates.usual_rate, rates.lower_rate)
OF_THE_SIGNAL = {("exploding", "depth"), ("exploding", "time"), ("saturated", ""), ("dead units", "")}
"""What a signal can show before training and steps can bring about as well."""
DEAD_FROM_THE_START = (o.odd_initializer, *SLIPS, o.normalizer, o.initializer, o.leaky)

OPTIONS: dict[tuple[Verdict, str], Sequence[Option]] = {
    # Whoever chose the rate of a network without a signal never saw it learn, so first comes what bears a high one: a
    # way around each layer, which is there at any depth, activation and initialization; a normalizer, which holds the
    # scale whatever the weights do.
    ("vanishing", "depth"): (
        *SLIPS,
        o.skip_connections,
        o.normalizer,
        o.rectifier,
        o.initializer_against_vanishing,
        o.norm_first,
        o.residual_scaling,
        steps.adam,
    ),
    ("collapsed", ""): (
        *SLIPS,
        o.skip_connections,
        o.normalizer,
        o.rectifier,
        o.initializer_against_vanishing,
        o.data,
    ),
    ("exploding", "depth"): (*SLIPS, o.normalizer, o.residual_scaling, o.initializer, rates.lower_rate, steps.clip),
    ("exploding", ""): (
        *SLIPS,
        o.odd_initializer,
        rates.lower_rate,
        steps.clip,
        o.residual_scaling,
        o.normalizer,
        o.initializer,
    ),
    ("vanishing", "time"): (
        *SLIPS,
        recurrent.recurrent_scale,
        recurrent.open_gate,
        recurrent.gates_with_adam,
        recurrent.gates,
        recurrent.identity_recurrence,
        recurrent.orthogonal,
    ),
    ("exploding", "time"): (
        *SLIPS,
        recurrent.recurrent_scale,
        recurrent.orthogonal_clipped,
        steps.clip,
        recurrent.gates,
        rates.lower_rate,
    ),
    ("dead units", ""): (*SLIPS, rates.lower_rate, o.leaky, o.normalizer, steps.clip, o.odd_initializer),
    ("saturated", ""): (
        *SLIPS,
        o.rectifier_for_sigmoid,
        o.initializer,
        o.normalizer,
        o.rectifier,
        rates.lower_rate,
        o.data,
    ),
    ("symmetric", ""): (o.initializer, recurrent.orthogonal),
    ("update too small", ""): (
        steps.looser_clip,
        steps.constant_rate,
        rates.usual_rate_from_below,
        steps.adam_for_small_gradients,
        rates.higher_rate,
        steps.optimizer,
    ),
    ("unstable", ""): (
        *SLIPS,
        recurrent.clip_over_time,
        rates.lower_rate,
        steps.clip,
        steps.constant_rate,
        o.normalizer,
    ),
    ("plateau", ""): (
        *SLIPS,
        o.odd_initializer,
        rates.higher_rate,
        rates.lower_rate_of_large_steps,
        o.normalizer,
        o.data,
    ),
    ("diverged", ""): (*SLIPS, o.odd_initializer, rates.lower_rate, steps.clip, o.residual_scaling, o.normalizer),
}

GENERAL: Sequence[Option] = (
    o.initializer,
    recurrent.orthogonal,
    o.rectifier,
    o.leaky,
    o.normalizer,
    o.skip_connections,
    o.residual_scaling,
    o.norm_first,
    steps.adam,
    steps.clip,
    recurrent.open_gate,
    recurrent.gates,
    recurrent.identity_recurrence,
    recurrent.recurrent_scale,
    steps.no_decay,
    o.no_dropout,
    steps.constant_rate,
)
