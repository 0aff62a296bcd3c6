"""Everything that is measured of one network: at the start, over its first steps, and once more after them."""

import math
from dataclasses import dataclass
from typing import Any

from vgp_bench.architectures.stages import Architecture
from vgp_bench.building import build, resolve_device, settled
from vgp_bench.config import ComposedRun
from vgp_bench.config_check import check
from vgp_bench.data.objectives import Chance, Regression
from vgp_bench.errors import ConfigError
from vgp_bench.making import make
from vgp_bench.monitor.cadence import Cadence
from vgp_bench.monitor.probing import Probe
from vgp_bench.probe.batch_mates import mixes_inputs, noise_of_batch_mates
from vgp_bench.probe.first_steps import go
from vgp_bench.probe.jacobian import Spectrum, spectrum
from vgp_bench.probe.looking import Look, look
from vgp_bench.probe.noise import signals_to_noise
from vgp_bench.probe.rates import trials_ahead
from vgp_bench.probe.trial import Trial, trial
from vgp_bench.probe.weight_scale import weight_scales
from vgp_bench.theory.initial_variance import NoClosedForm
from vgp_bench.theory.predicted_decay import predicted_decay
from vgp_bench.training.loop import Loop

FEWEST_INPUTS = 512
"""Inputs of the probe set, if the config asks for none or for fewer and the data has as many: of fewer, units look dead
that are only seldom used."""


@dataclass(frozen=True)
class Start:
    """A network before its first step.

    config: resolved; choices: the option of each group; parameters: how many are trained; batch: inputs that are
    normalized together; batch_noise: see batch_mates, NaN where inputs do not mix; predicted: decay per layer, NaN with
    the reason in no_prediction; input_mean, input_std: over all values of the probe set; weight_scales: of each stage,
    see weight_scale; unit: that of an output, in words.
    """

    config: dict[str, Any]
    choices: dict[str, str]
    parameters: int
    chance: Chance
    look: Look
    spectrum: Spectrum
    signals_to_noise: list[float]
    batch: int
    batch_noise: float
    predicted: float
    no_prediction: str
    input_mean: float
    input_std: float
    weight_scales: list[float]
    unit: str = "nats of a logit"


@dataclass(frozen=True)
class Measured:
    """after_trial, later: the network after the trial, and after the steps that were asked for; None if none were, or
    the loss left the finite before. ahead: see trials_ahead; total_steps: of the whole run.
    """

    start: Start
    trial: Trial
    after_trial: Look | None
    ahead: float
    total_steps: int
    later: Look | None = None
    diverged: str = ""


def measure(composed: ComposedRun, steps: int = 0) -> Measured:
    """Build the run and look at it, try its first steps and look again; with `steps` once more after so many.

    Nothing is written. Raises ConfigError or DataError as the run itself would.
    """
    loop = loop_of(composed)
    start = start_of(composed, loop)
    return with_trial(start, loop, steps)


def with_trial(start: Start, loop: Loop, steps: int = 0) -> Measured:
    """The same of a network whose start has been looked at; loop: at its first step."""
    model, probe = _model(loop), _probe(loop)
    found = trial(loop, model, probe)
    diverged = found.steps.diverged
    after_trial = None if diverged else look(model, probe, loop.done)
    ahead = trials_ahead(start.config, loop.total_steps, len(found.steps.steps))
    later = None
    if steps and not diverged:
        # Fewer than the trial had: then those are what can be shown.
        diverged = go(loop, steps).diverged if steps > loop.done else ""
        later = None if diverged else look(model, probe, loop.done)
    return Measured(start, found, after_trial, ahead, loop.total_steps, later, diverged)


def loop_of(composed: ComposedRun) -> Loop:
    """The training of a composed run, built, with a probe set, whatever its monitor measures. Raises ConfigError."""
    check(composed)
    config = settled({**composed.config, "device": resolve_device(composed.config["device"])})
    cadence: Cadence = make(config["monitor"])
    inputs = max(cadence.probe_images, FEWEST_INPUTS)
    monitor = {**config["monitor"], "dense_steps": 1, "probe_every": 1, "probe_images": inputs}
    loop = build({**config, "monitor": monitor}, lambda row: None)
    if not loop.total_steps:
        raise ConfigError("this run has no step: set trainer.max_epochs and trainer.max_steps to 1 or more")
    loop.model.train()
    return loop


def start_of(composed: ComposedRun, loop: Loop) -> Start:
    """What is measured before the first step; leaves the network as it is."""
    model, probe = _model(loop), _probe(loop)
    batch = loop.settings.batch_size // loop.settings.micro_batches
    try:
        predicted, reason = predicted_decay(composed.config), ""
    except NoClosedForm as missing:
        predicted, reason = math.nan, str(missing)
    values = probe.inputs.double()
    return Start(
        config=composed.config,
        choices=composed.choices,
        parameters=sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
        chance=loop.feed.chance,
        look=look(model, probe, 0),
        spectrum=spectrum(model, probe.inputs),
        signals_to_noise=signals_to_noise(model, model.stages(), probe),
        batch=batch,
        batch_noise=noise_of_batch_mates(model, probe.inputs, batch) if mixes_inputs(model) else math.nan,
        predicted=predicted,
        no_prediction=reason,
        input_mean=float(values.mean()),
        input_std=float(values.std()),
        weight_scales=weight_scales(model.stages()),
        unit="of the target's unit" if isinstance(probe.objective, Regression) else "nats of a logit",
    )


def _model(loop: Loop) -> Architecture:
    assert isinstance(loop.model, Architecture)
    return loop.model


def _probe(loop: Loop) -> Probe:
    assert loop.monitor.probe is not None
    return loop.monitor.probe
