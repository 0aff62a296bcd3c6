"""What was measured by depth and by time, and what it comes to, as lines."""

import math

from vgp_bench.plural import agreeing, plural
from vgp_bench.probe.effective_depth import effective_depth
from vgp_bench.probe.jacobian import MOST_OUTPUTS, Spectrum
from vgp_bench.probe.lines import named, percent, size
from vgp_bench.probe.looking import Look
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.noise import MICRO_BATCHES
from vgp_bench.probe.profile import measured_decay, reaches, span
from vgp_bench.probe.through_time import through_time
from vgp_bench.report.tables.signal_flow import thinned

STAGES = 12
"""Lines of the table by depth; more stages are thinned out."""
LAGS = 8
NAME = 26
"""Width of the names of stages."""
REACH = "change of an output for a change of h by its own size (healthy: .1 to 1000)"


def stage_table(look: Look, when: str) -> list[str]:
    """One line a stage, input first."""
    reach = reaches(look)
    lines = [f"{when:<{NAME}}{'reach':>9}{'||dL/dh||':>11}{'std of h':>10}{'input%':>8}{'dead%':>7}{'flat%':>7}"]
    for place in thinned(len(look.probes), STAGES):
        probe, layer = look.probes[place], look.layers[place]
        figures = [f"{size(reach[place]):>9}{size(probe.sample_gradient):>11}{size(layer.activation_std):>10}"]
        figures += [f"{percent(probe.input_share):>8}", f"{percent(layer.dead_fraction):>7}"]
        figures += [f"{percent(layer.saturated_fraction):>7}"]
        lines.append(f"{shortened(probe.name, NAME - 1):<{NAME}}{''.join(figures)}")
    return lines


def summary(found: Measured) -> list[str]:
    start = found.start
    decay = measured_decay(start.look)
    predicted = (
        f"no closed form: {start.no_prediction}"
        if math.isnan(start.predicted)
        else f"predicted {start.predicted:.3f} (sqrt chi_1, Schoenholz 2017)"
    )
    few = sum(row.kind == "hidden" for row in start.look.layers) < 2
    nothing = "too few layers" if few else "nothing, no gradient arrives"
    measured = f"{decay.rho:.3f}" if math.isfinite(decay.rho) else nothing
    depth = effective_depth(found)
    lines = named("reach", f"{REACH}; the other columns: vgp-bench probe --help")
    lines += named("decay", f"factor on ||dL/dh|| a layer further down: measured {measured}; {predicted}")
    fall = span(start.look)
    if not math.isnan(fall):
        lost = "all" if math.isinf(fall) else f"{fall:+.1f} decades (healthy -1.2 ... +0.1, vanished +2.7 and more)"
        lines += named("span", f"reach lost from the last hidden layer to the first: {lost}")
    lines += named("Jacobian", _spectrum(start.spectrum))
    if diverged := found.trial.steps.diverged:
        return [*lines, *named("learning", f"no layer: {diverged}")]
    lines += named("learning", _learning(depth.learning, depth.stages, depth.still, depth.noisy))
    return lines


def _learning(learning: int, stages: int, still: int, noisy: int) -> str:
    words = f"effective depth {learning} of {plural(stages, 'layer')}"
    why = [f"{still} hardly {agreeing(still, 'move')}"] * bool(still)
    noise = f"a gradient below its noise over {MICRO_BATCHES} micro-batches"
    why += [f"{noisy} {agreeing(noisy, 'have')} {noise}"] * bool(noisy)
    return f"{words}: {', '.join(why)}" if why else f"{words}: all move, above their noise"


def _spectrum(spectrum: Spectrum) -> str:
    ordered = sorted(spectrum.values.flatten(), reverse=True)
    if not math.isfinite(sum(ordered)):
        return "not finite"
    inputs = len(spectrum.values)
    first = f"the first {MOST_OUTPUTS} of " if spectrum.outputs > MOST_OUTPUTS else ""
    largest, middle, smallest = ordered[0], ordered[len(ordered) // 2], ordered[-1]
    return (
        f"singular values of d outputs/d input: largest {largest:.1e}, median {middle:.1e}, smallest {smallest:.1e} "
        f"({first}{plural(spectrum.outputs, 'output')}, {plural(inputs, 'input')}; near 1 throughout: dynamical "
        "isometry, Saxe 2014)"
    )


def time_table(look: Look) -> list[str]:
    """Lags from the shortest on, of the layer that the checklist and the forecast read."""
    seen = through_time(look)
    if seen is None:
        return []
    places = thinned(len(seen.lags), LAGS)
    back = "to the end" if seen.both_ways else "steps back"
    lines = [
        f"through time, of {seen.layer}, on whose states alone the inputs act",
        f"{back:<12}" + "".join(f"{seen.lags[place]:>8}" for place in places),
        f"{f'||dL/d{seen.symbol}_t||':<12}" + "".join(f"{seen.gradients[place]:>8.0e}" for place in places),
    ]
    if not math.isnan(seen.decay.rho):
        lines.append(f"x {seen.decay.rho:.3f} a step further back ({seen.decay.low:.3f} ... {seen.decay.high:.3f})")
    return lines


def shortened(name: str, most: int) -> str:
    """In its midst, so that number and end stay."""
    return name if len(name) <= most else f"{name[: most // 2]}..{name[len(name) - (most - most // 2 - 2) :]}"
