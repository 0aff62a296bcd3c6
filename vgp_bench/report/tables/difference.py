"""Two runs side by side, as text."""

from collections.abc import Mapping
from typing import Any

from vgp_bench.compare.difference import Difference, Parting
from vgp_bench.plural import plural


def render_difference(found: Difference, names: tuple[str, str]) -> str:
    """Sections on config, environment, summary and where the curves part. names: what the two runs are called."""
    lines = [f"A: {names[0]} ({found.states[0]})", f"B: {names[1]} ({found.states[1]})"]
    lines += ["", "config", *_pairs(found.config, "the same but for keys that cannot change numbers")]
    lines += ["", "environment", *_pairs(found.environment, "the same code, torch and device")]
    lines += ["", "summary", *_pairs(found.summary, "neither run has one")]
    lines += ["", "where they part"]
    width = max(map(len, found.partings))
    lines += [f"  {name:<{width}}  {_parting(parting)}" for name, parting in found.partings.items()]
    lines += [f"  {note}" for note in found.notes]
    return "\n".join(lines)


def _parting(parting: Parting) -> str:
    if not parting.compared:
        return "nothing to compare"
    if parting.where is None or parting.values is None:
        return f"nowhere in the {plural(parting.compared, 'value')} that both have"
    return f"{parting.where}: {parting.values[0]:.6g} and {parting.values[1]:.6g}"


def _pairs(pairs: Mapping[str, tuple[Any, Any]], otherwise: str) -> list[str]:
    if not pairs:
        return [f"  {otherwise}"]
    texts = [(key, _text(a), _text(b)) for key, (a, b) in pairs.items()]
    rows = [("", "A", "B"), *texts]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return [f"  {key:<{widths[0]}}  {a:<{widths[1]}}  {b}".rstrip() for key, a, b in rows]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.6g}"  # NaN: not measured
    return "null" if value is None else str(value)
