"""What was measured as lines of at most 80 characters."""

import math
from textwrap import wrap

from vgp_bench.plural import agreeing, plural
from vgp_bench.probe.checklist import checklist
from vgp_bench.probe.effective_depth import effective_depth
from vgp_bench.probe.forecast import Forecast, forecast
from vgp_bench.probe.jacobian import MOST_OUTPUTS, Spectrum
from vgp_bench.probe.looking import Look
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.noise import MICRO_BATCHES
from vgp_bench.probe.profile import measured_decay, reaches, span, through_time
from vgp_bench.report.tables.signal_flow import thinned

WIDTH = 80
STAGES = 12
"""Lines of the table by depth; more stages are thinned out."""
LAGS = 8
_INDENT, _NAME = 11, 23


def text(found: Measured) -> str:
    """All of it, the forecast last."""
    start = found.start
    blocks = [[_heading(found)], stage_table(start.look, "at the start")]
    if found.later is not None:
        blocks.append(stage_table(found.later, f"after {plural(found.later.step, 'step')}"))
    elif found.diverged:
        blocks.append([f"No second look: {found.diverged}."])
    blocks += [_summary(found), _time_table(start.look), _checklist(found), forecast_lines(forecast(found))]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _heading(found: Measured) -> str:
    choices = found.start.choices
    parts = [choices["architecture"], choices["activation"], choices["initializer"]]
    parts += [f"{choices['normalizer']} norm"] if choices["normalizer"] != "none" else []
    parts += [f"on {choices['dataset']}", f"{choices['optimizer']}", f"{found.start.parameters:,} parameters"]
    return "\n".join(wrap(", ".join(parts), WIDTH))


def stage_table(look: Look, when: str) -> list[str]:
    """One line a stage, input first."""
    reach = reaches(look)
    lines = [f"{when:<20}{'reach':>9}{'||dL/dh||':>11}{'std of h':>10}{'input%':>9}{'dead%':>8}{'flat%':>8}"]
    for place in thinned(len(look.probes), STAGES):
        probe, layer = look.probes[place], look.layers[place]
        figures = [f"{_size(reach[place]):>9}{_size(probe.sample_gradient):>11}{_size(layer.activation_std):>10}"]
        figures += [f"{_percent(probe.input_share):>9}", f"{_percent(layer.dead_fraction):>8}"]
        figures += [f"{_percent(layer.saturated_fraction):>8}"]
        lines.append(f"{probe.name[:19]:<20}{''.join(figures)}")
    return lines


def _summary(found: Measured) -> list[str]:
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
    lines = _named("decay", f"of ||dL/dh|| a layer, downwards: measured {measured}; {predicted}")
    fall = span(start.look)
    if not math.isnan(fall):
        lost = "all" if math.isinf(fall) else f"{fall:+.1f} decades (healthy -1.2 ... +0.1, vanished +2.7 and more)"
        lines += _named("span", f"sensitivity lost from the last hidden layer to the first: {lost}")
    lines += _named("Jacobian", _spectrum(start.spectrum))
    lines += _named("learning", _learning(depth.learning, depth.stages, depth.still, depth.noisy))
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
        f"singular values of d logits/d input: largest {largest:.1e}, median {middle:.1e}, smallest {smallest:.1e} "
        f"({first}{plural(spectrum.outputs, 'logit')}, {plural(inputs, 'input')}; near 1 throughout: dynamical "
        "isometry, Saxe 2014)"
    )


def _time_table(look: Look) -> list[str]:
    lags, gradients, decay = through_time(look)
    if len(lags) < 2:
        return []
    places = thinned(len(lags), LAGS)
    lines = [
        f"{'steps back':<12}" + "".join(f"{lags[place]:>8}" for place in places),
        f"{'||dL/dh_t||':<12}" + "".join(f"{gradients[place]:>8.0e}" for place in places),
    ]
    if not math.isnan(decay.rho):
        lines.append(f"x {decay.rho:.3f} a step further back ({decay.low:.3f} ... {decay.high:.3f})")
    return lines


def _checklist(found: Measured) -> list[str]:
    lines = ["checklist: measured here, and what is commonly said"]
    for item in checklist(found):
        line = f"{item.mark:<6}{item.name:<{_NAME}}{item.measured}"
        said = f"[{item.said}]"
        if len(line) + 1 + len(said) <= WIDTH:
            lines.append(f"{line} {said}")
        else:
            lines += [*_wrapped(line, 6 + _NAME), *_wrapped(" " * (6 + _NAME) + said, 6 + _NAME)]
    return lines


def forecast_lines(told: Forecast) -> list[str]:
    """The verdict, what it rests on, and what the rules of `vgp-bench diagnose` see."""
    lines = [f"forecast   {'trainable' if told.trainable else 'not trainable as it stands'}"]
    lines += _named("because", ", ".join(told.reasons))
    for words in told.notes:
        lines += _named("seen", words)
    if (remedy := told.remedy) is not None:
        lines += _named("try", ": ".join(filter(None, (remedy.words, " ".join(remedy.overrides)))))
    return lines


def _named(name: str, words: str) -> list[str]:
    return _wrapped(f"{name:<{_INDENT}}{words}", _INDENT)


def _wrapped(line: str, indent: int) -> list[str]:
    return wrap(line, WIDTH, subsequent_indent=" " * indent, drop_whitespace=True) if len(line) > WIDTH else [line]


def _size(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1e}"


def _percent(share: float) -> str:
    if math.isnan(share):
        return "-"
    return f"{100 * share:.0f}" if share == 0 or share >= 0.005 else f"{100 * share:.0e}"
