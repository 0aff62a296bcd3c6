"""Every number a verdict depends on, with the reason for it. No other file of this package compares with a number.

The ranges called healthy and broken are those of scripts/score_diagnosis (its table lies in results/reference) and of
the papers named. A threshold stands where both are far from it, so that nothing hangs on its exact value.
"""

# --- the signal along depth ---

FEWEST_STAGES = 3
"""Hidden stages below which there is no depth along which anything could vanish."""

SPAN = 2.0
"""Decades by which S_l = E ||h|| ||dL/dh|| falls from the last hidden stage to the first. Healthy networks: -1.2 to
+0.1; vanished ones: +2.7 and more. The whole interval of the fit has to lie beyond it."""

REACH = 1e-3
"""Least change of the outputs (in their own unit: nats of a logit) for a relative change of the first hidden stage.
Healthy networks: 0.1 to 1000. At a reach of 1e-3 all that a stage holds would have to change a thousandfold
to move a logit by one. This sees what a span cannot: a near-linear network that loses signal and gradient alike."""

GREAT_REACH = 1e4
"""The same quantity where it is too large: outputs in the thousands, or chaos (Poole et al. 2016)."""

LOCAL = 0.5
"""Share of all decades lost that one stage has to lose to be named alone."""

# --- the signal along time ---

TIME_RATIO = 1e-3
"""||dL/dh_t|| of the first time step over that of the last. Below: what is longer ago teaches nothing."""

GREAT_TIME_RATIO = 1e3
"""Its mirror: the past outweighs the present a thousandfold."""

# --- units ---

DEAD = 0.9
"""Share of dead units in a stage that cannot be outlived. Past d of them sqrt(1 - d) of a signal is left, here .3: a
signal that is lost from the same step on is not lost by fewer."""
DEAD_AWAKE = 0.5
"""The same where the signal has not collapsed. Where it has, all inputs look alike, and half the units of a ReLU net
are 0 on all of them without being dead."""
AWAKE = 1e-2
"""Share of a stage's signal that has to depend on the input for it not to have collapsed, even partly. A ReLU net of 20
layers at He's initialization: .05."""
DEAD_LOOKS = 3
"""Looks in a row that a stage has to be dead at, if there were so many; one of them may be a bad batch."""

FLAT_SLOPE = 0.15
"""Mean slope of the activations of a saturated stage, as a share of the greatest. Sigmoid and tanh at z of size 1:
.8 and .6; at z of size 8: .2 and .1."""

# --- the forward signal ---

INPUT_SHARE = 1e-5
"""Share of the last hidden signal that depends on the input. Healthy: .01 and more; a ReLU net of 100 layers at He's
initialization, whose angles close like 1/l^2, 1e-3; collapsed: 1e-7 and less (rounding)."""

FAINT_SHARE = 1e-3
"""The same share where a stall that nothing else explains is explained by it. What all inputs have in common bounds the
rate, and what tells them apart is learned 1 / share times as slowly (LeCun, Kanter & Solla 1991): in a thousand steps
what else takes one. Networks whose labels mean nothing keep 3e-3 and more."""

SPREAD = 1e-4
"""Difference between the rows of a weight matrix, and between units, relative to their size. Random rows: 1; what
remains of equal rows after rounding: 1e-7."""

# --- the optimizer ---

SMALL_UPDATE = 1e-5
"""Update-to-weight ratio of the stage that moves most, median over the steps. The folk target is 1e-3; at 1e-5 it takes
a thousand steps to move a weight by one percent."""

HARDLY_MOVED = 0.01
"""Way of the stage that moves most, its steps added up, as a share of its size. A stall within it is no plateau: every
weight is still, to a percent, what it was at the start, and nothing has been tried. SMALL_UPDATE takes a thousand steps
for it; a wide network may learn within it (Chizat et al. 2019), so that by itself it is no symptom."""
STIRRING = 10.0
"""Multiple of SMALL_UPDATE at which a stage moves after all: a median of less may have single steps of more."""
LARGE_UPDATE = 1.0
"""The same ratio, of the median stage in one step, where a step is too large: nothing is left of what the weights were.
Healthy trainings: .2 at most, in the first step of an adaptive optimizer."""

# --- the loss ---

PATIENCE = 60
"""Steps before which a loss that stands still without any symptom is no plateau yet: many a task starts slowly."""

SETTLED = 20
"""Steps before which nothing is said about a loss: fewer have no median and no slope."""

FIRST = 5
"""Steps whose median is the start of a loss: it may fall at once."""
NOISY = 0.3
"""Noise of a loss, as a share of it, above which SETTLED steps are taken for its start, as with batches of one."""

NOISE = 3.0
"""Standard errors that a change has to be larger than."""

FAR_OFF = 100.0
"""Multiple of the loss of chance beyond which a falling loss is not on its way back, but lost."""

PROGRESS = 0.1
"""Share of the starting loss that has to be gone for a network to count as learning."""
BETTER_ANSWERS = 0.05
"""Gain in accuracy over chance that counts as learning, whatever the loss: with wrong labels, say, most of the loss has
to stay."""
FALLING = 0.02
"""Share of the loss that its trend takes away over the steps looked at, with all of its interval below 0: still
learning, if slowly."""
SLOW = 0.4
"""Progress, in loss or in accuracy, below which a network with a symptom is held back by it, unless the trend says that
it will get there soon. Without a symptom it is only a hard task; but as long as no more than this has been learned,
nobody can be certain that the network is healthy."""
RELAPSE = 0.5
"""Share of what had been learned that has to be lost again to call it a relapse."""
BLOWN_UP = 2.0
"""The loss, as a multiple of the lesser of start and chance, above which training has made things worse."""

GROWTH = 100.0
"""Growth of the gradient norm over its median up to then, within the last steps before the loss left the finite."""

SPIKE = 2.5
"""z-score of log ||g|| against its running mean that is a spike (ZClip, Kumar et al. 2025)."""
SPIKE_MEMORY = 0.97
"""Decay of that running mean per logged step (ZClip)."""
SPIKES = 3
"""Spikes among the last SETTLED logged steps that make a training unstable; one is a bad batch."""
