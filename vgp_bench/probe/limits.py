"""The numbers of the forecast and the checklist that vgp_bench.diagnosis.thresholds does not hold, with their reasons.

Those of the forecast were chosen on the networks that scripts/score_forecast calls calibration.
"""

TOLD_APART = 0.1
"""Nats by which a run's steps, each as the first ones, change what tells one input's logits from another's. Networks
that left chance this way: .17 and more; those that stayed there: .02 and less, but for stages killed by the first steps
and tasks whose inputs are easier told apart than answered."""

MOVED = 0.05
"""Share of its own size by which a run's steps, each as the first ones, turn the stage that moves least. A network
whose weights all move does not stay what it was at the start, however little of its signal depends on the input: Adam
led sigmoid nets of 7 layers (1.3) and ReLU nets of 20 at PyTorch's default (.07) out; one of 20 sigmoid layers (4e-4)
not."""

LOSS_AT_START = (1.5, 10.0)
"""Loss over chance loss before training: above the first worth a look, above the second outputs are far too large.
After the first steps a loss above the first has to come down at their pace. Healthy networks have 1.4 then and less, or
fall sixty times as fast as they would have to."""

INPUT_STD = (0.1, 10.0)
"""Standard deviation of the inputs: LeCun et al. 1998, section 4.3, ask for about 1."""

WEIGHT_SCALE = (0.1, 5.0)
"""Root mean square of W times sqrt(fan in). LeCun et al. 1998: 1; torch's default: .58; He et al. 2015: 1.41; Xavier's
for sigmoid: 4. N(0, 1) of 64 inputs: 8; uniform within .01 of 256: .09."""

FORWARD = (0.1, 10.0)
"""Standard deviation of h of the last hidden stage by that of the first. SageMaker Debugger's poor initialization:
variances that differ tenfold."""

UPDATE = (1e-4, 1e-1)
"""Update-to-weight ratio of the first step: TheDeepChecker's range around the folk target 1e-3."""
GREAT_UPDATE = 1.0
"""A step as long as the weights themselves."""

BATCH_NOISE = (0.3, 1.0)
"""Deviation of a logit over its batch mates by that over inputs: at 1 the others say as much as the input."""

SIGNAL_TO_NOISE = 1.0
"""Of a gradient that counts as signal, ||signal||^2 / ||noise||^2."""

LEAST_UPDATE = 1e-6
"""Update-to-weight ratio of the first step below which a stage is not part of what learns: float32 weights move by 1e-7
of their size at least, or not at all."""

GREAT_GRADIENT = 1e3
"""||dL/dtheta|| that asks for clipping. Healthy networks of this size: 1 to 50."""

GRADIENT_RATIO = 1e-3
"""||dL/dh|| of the first layer over that of the last one: the popular articles speak of three to four decades."""
