"""What was measured as lines of at most 80 characters."""

from textwrap import wrap

from vgp_bench.plural import plural
from vgp_bench.probe.checklist import checklist
from vgp_bench.probe.forecast import Forecast, forecast
from vgp_bench.probe.lines import WIDTH, named, wrapped
from vgp_bench.probe.measuring import Measured
from vgp_bench.probe.tables import stage_table, summary, time_table

_NAME = 24


def text(found: Measured) -> str:
    """All of it, the forecast last."""
    start = found.start
    blocks = [[_heading(found)], stage_table(start.look, "at the start")]
    if found.later is not None:
        blocks.append(stage_table(found.later, f"after {plural(found.later.step, 'step')}"))
    elif found.diverged:
        blocks.append([f"No second look: {found.diverged}."])
    blocks += [summary(found), time_table(start.look), _checklist(found), forecast_lines(forecast(found))]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _heading(found: Measured) -> str:
    choices = found.start.choices
    parts = [choices["architecture"], choices["activation"], choices["initializer"]]
    parts += [f"{choices['normalizer']} norm"] if choices["normalizer"] != "none" else []
    parts += [f"on {choices['dataset']}", choices["optimizer"], plural(found.total_steps, "step")]
    parts += [f"{found.start.parameters:,} parameters"]
    return "\n".join(wrap(", ".join(parts), WIDTH))


def _checklist(found: Measured) -> list[str]:
    lines = ["checklist: measured here [and what is commonly said]; ok, look into it, no"]
    for item in checklist(found):
        line = f"{item.mark:<6}{item.name:<{_NAME}}{item.measured}"
        said = f"[{item.said}]"
        if len(line) + 1 + len(said) <= WIDTH:
            lines.append(f"{line} {said}")
        else:
            lines += [*wrapped(line, 6 + _NAME), *wrapped(" " * (6 + _NAME) + said, 6 + _NAME)]
    return lines


def forecast_lines(told: Forecast) -> list[str]:
    """The verdict, what it rests on, and what the rules of `vgp-bench diagnose` see."""
    lines = named("forecast", told.words)
    lines += named("because", ", ".join(told.reasons))
    for words in told.notes:
        lines += named("seen", words)
    if (remedy := told.remedy) is not None:
        lines += named("try", ": ".join(filter(None, (remedy.words, " ".join(remedy.overrides)))))
    return lines
