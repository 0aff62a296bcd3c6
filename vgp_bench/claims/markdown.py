"""Judgements as Markdown: the table, then every claim with its checks."""

from collections.abc import Mapping, Sequence

from vgp_bench.claims.checks import Check
from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.text import measured, ran, turned, words


def markdown(judgements: Sequence[Judgement], about: Mapping[str, str], alone: Sequence[Judgement]) -> str:
    """A table of verdicts under how they were come by, and a section a claim. alone: not adjusted for their number."""
    lines = ["# Claims", "", *(f"- {key}: {value}" for key, value in about.items()), ""]
    lines += _table(
        ["claim", "year", "scale", "verdict"],
        [
            [f"[{one.claim.name}](#{one.claim.name})", str(one.claim.year), _scale(one), words(one)]
            for one in judgements
        ],
    )
    if len(judgements) > 1:
        lines += ["", "p values are adjusted for all checks of this table (Holm 1979), intervals are not."]
        if changed := turned(judgements, alone):
            lines += ["", f"Judged alone, without the adjustment: {', '.join(changed)}."]
    for one in judgements:
        lines += ["", f"## {one.claim.name}", "", *_section(one)]
    return "\n".join(lines) + "\n"


def _section(one: Judgement) -> list[str]:
    claim, scale = one.claim, one.claim.scales.get(one.scale_name)
    lines = [
        f"**{words(one)}** at scale {one.scale_name}. {claim.sentence}",
        "",
        f"Source: {claim.source}. {claim.says}",
    ]
    lines += ["", f"Runs: {ran(one)}."] if one.gathered else ["", f"Not run: {one.reason}."]
    lines += [
        "",
        *_table(["figure", "expected", "measured [95 %]", "n", "p", "verdict", "from"], map(_row, one.checks)),
    ]
    if one.gathered and (chosen := one.gathered.evidence.chosen):
        lines += ["", f"Tuned on validation data: {'; '.join(f'{where}: {what}' for where, what in chosen.items())}."]
    if scale is not None:
        lines += ["", ("A surrogate. " if scale.surrogate else "") + scale.decides]
    lines += ["", *(f"- Does not show: {caveat}" for caveat in claim.caveats)]
    return [*lines, f"- Contradicted if {claim.contradicted_by}."]


def _scale(one: Judgement) -> str:
    scale = one.claim.scales.get(one.scale_name)
    return one.scale_name + (", a surrogate" if scale is not None and scale.surrogate else "")


def _row(check: Check) -> list[str]:
    p = f"{min(check.p_for, check.p_against):.1g}, {check.test}" if check.test and check.measured.n else ""
    unit = f" ({check.expected.unit})" if check.expected.unit else ""
    verdict = check.verdict + (f" ({check.reason})" if check.reason else "")
    name = check.expected.name + unit
    return [name, check.expected.words, measured(check), str(check.measured.n), p, verdict, check.expected.source]


def _table(header: Sequence[str], rows: "Sequence[Sequence[str]] | map[list[str]]") -> list[str]:
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *escaped]]
