"""What `vgp-bench reproduce` prints, in 80 columns."""

import json
import math
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from vgp_bench.claims.checks import Check
from vgp_bench.claims.claim import Claim
from vgp_bench.claims.judgement import Judgement
from vgp_bench.plural import plural
from vgp_bench.report.tables import formats
from vgp_bench.report.tables.sheet import Column
from vgp_bench.report.tables.table import folded, grid

WIDTH = 80
LABEL = 14


def detail(one: Judgement, picture: Path | None = None, broken: bool = False) -> str:
    """One claim with everything that belongs to its verdict. broken: whether it was spoilt on purpose."""
    claim = one.claim
    surrogate = " (a surrogate)" if _surrogate(one) else ""
    lines = [f"{claim.name}, scale {one.scale_name}{surrogate}: {words(one)}"]
    if broken:
        swapped = claim.scales[one.scale_name].broken
        told = "; ".join(f"{arm}: {' '.join(own)}" for arm, own in swapped.items())
        lines += _labelled("SPOILT", f"on purpose, no verdict on the claim. In place of what belongs there, {told}")
    lines += _labelled("claim", claim.sentence)
    lines += _labelled("source", claim.source)
    lines += _labelled("says", claim.says)
    if one.gathered is not None:
        lines += _labelled("runs", ran(one))
    if one.gathered is not None and (chosen := one.gathered.evidence.chosen):
        lines += _labelled("tuned", "; ".join(f"{_plain(where)}: {what}" for where, what in chosen.items()))
    if one.reason:
        lines += _labelled("not run", one.reason)
    elif one.gathered is not None:
        reasons = Counter(o.missing for o in one.gathered.evidence.observed if o.missing)
        for reason, count in reasons.most_common(3):
            lines += _labelled("no result", f"{plural(count, 'time')}: {reason}")
    lines += ["", *check_lines(one.checks), ""]
    if one.scale_name in claim.scales:
        scale = claim.scales[one.scale_name]
        lines += _labelled("shows", ("A surrogate. " if scale.surrogate else "") + scale.decides)
    for caveat in claim.caveats:
        lines += _labelled("does not show", caveat)
    lines += _labelled("contradicted", f"if {claim.contradicted_by}")
    if picture is not None:
        lines += _labelled("picture", str(picture))
    return "\n".join(lines)


def words(one: Judgement) -> str:
    """The verdicts in a line: `REPRODUCED`, or `degradation REPRODUCED, gradient health CONTRADICTED`."""
    return ", ".join(f"{aspect} {verdict}".strip() for aspect, verdict in one.verdicts.items())


def ran(one: Judgement) -> str:
    """`30 runs with 10 seeds, 3 diverged; all on disk`."""
    assert one.gathered is not None
    evidence = one.gathered.evidence
    seeds = len({o.seed for o in evidence.observed})
    many = len(evidence.observed)
    count = plural(many, "run") if evidence.scale.trained else f"{plural(many, 'network')}, measured untrained"
    lost = sum(o.diverged for o in evidence.observed)
    missing = sum(bool(o.missing) for o in evidence.observed)
    told = [f"{count}, {plural(seeds, 'seed')} each"]
    told += [f"{lost} diverged"] if lost else []
    told += [f"{missing} without a result"] if missing else []
    versions = {json.dumps(o.record.environment.get("code"), sort_keys=True) for o in evidence.observed if o.record}
    told += [f"computed by {len(versions)} versions of the code"] if len(versions) > 1 else []
    fresh = f"{one.gathered.ran} new in {one.gathered.seconds:.0f} s" if one.gathered.ran else "all on disk already"
    return "; ".join([*told, fresh])


def check_lines(checks: Sequence[Check]) -> list[str]:
    """The checks as a table: expected beside measured, the test and its p value; what must be known, below."""
    signs = formats.signs_for(sys.stdout.encoding)
    p = [f"{min(c.p_for, c.p_against):.1g}" if c.test and c.measured.n else "-" for c in checks]
    columns = [
        folded(Column(("figure",), [_plain(c.expected.name) for c in checks], left=True), 18, True),
        Column(("expected",), [c.expected.words for c in checks], left=True),
        Column(("measured [95 %]",), ["\n".join(textwrap.wrap(measured(c), 22)) for c in checks], left=True),
        Column(("n",), [str(c.measured.n) for c in checks]),
        Column(("p",), p),
        Column(("verdict",), [c.verdict for c in checks], left=True),
    ]
    lines = grid(columns, len(checks), signs.rule * WIDTH)
    for names, test in _grouped(checks):
        lines += textwrap.wrap(f"{test}: {names}", WIDTH, subsequent_indent="  ")
    for check in checks:
        unit = f", {check.expected.unit}" if check.expected.unit else ""
        about = f"{_plain(check.expected.name)}{unit}: {check.expected.source}"
        lines += textwrap.wrap(about + (f" ({check.reason})" if check.reason else ""), WIDTH, subsequent_indent="  ")
    return lines


def measured(check: Check) -> str:
    """`0.141 [0.140 0.143]`."""
    e = check.measured
    if e.n == 0:
        return "-"
    if check.words and math.isnan(e.low):
        return check.words
    interval = "" if math.isnan(e.low) or e.low == e.high else f" [{number(e.low)} {number(e.high)}]"
    return (f"{check.words}: " if check.words else "") + number(e.mean) + interval


def number(x: float) -> str:
    """Four figures, or as a power of ten."""
    if x == 0 or not math.isfinite(x):
        return f"{x:g}"
    return f"{x:.4g}" if 1e-3 <= abs(x) < 1e5 else f"{x:.2e}"


def turned(adjusted: Sequence[Judgement], alone: Sequence[Judgement]) -> list[str]:
    """`NAME (VERDICTS)` of each claim that is judged otherwise without the adjustment for many."""
    before = {(one.claim.name, one.scale_name): words(one) for one in alone}
    return [
        f"{one.claim.name} ({was})" for one in adjusted if (was := before[one.claim.name, one.scale_name]) != words(one)
    ]


def overview(judgements: Sequence[Judgement], unadjusted: Sequence[Judgement]) -> str:
    """A row for each verdict. unadjusted: the same before their p values were corrected for their number."""
    changed = turned(judgements, unadjusted)
    alone = [f"judged alone, without the adjustment: {', '.join(changed)}"] if changed else []
    signs = formats.signs_for(sys.stdout.encoding)
    rows = [(one, aspect, verdict) for one in judgements for aspect, verdict in one.verdicts.items()]
    names = [one.claim.name + (f": {aspect}" if aspect else "") for one, aspect, _ in rows]
    columns = [
        folded(Column(("claim",), names, left=True), 30, True),
        Column(("year",), [str(one.claim.year) for one, _, _ in rows]),
        Column(("checks",), [_held(one, aspect) for one, aspect, _ in rows]),
        Column(("seeds",), [str(_seeds(one)) for one, _, _ in rows]),
        Column(
            ("new s",),
            [f"{one.gathered.seconds:.0f}" if one.gathered and one.gathered.ran else "-" for one, _, _ in rows],
        ),
        Column(("verdict",), [verdict + ("*" if _surrogate(one) else "") for one, _, verdict in rows], left=True),
    ]
    lines = grid(columns, len(rows), signs.rule * WIDTH)
    counts: dict[str, int] = {}
    for _, _, verdict in rows:
        counts[verdict] = counts.get(verdict, 0) + 1
    lines.append(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    notes = ["checks: held, of all"]
    if any(_surrogate(one) for one in judgements):
        notes.append("*: a surrogate, smaller than the experiment of the paper; it never passes for the paper's figure")
    notes.append("p values adjusted for all checks of this call (Holm 1979)")
    notes += [f"{one.claim.name}: {one.reason}" for one in judgements if one.reason]
    notes += alone
    notes.append("intervals of a single claim are those of its own tests, not adjusted")
    return "\n".join([*lines, *(line for note in notes for line in textwrap.wrap(note, WIDTH, subsequent_indent="  "))])


def catalogue(claims: Sequence[Claim], verdicts: Mapping[tuple[str, str], str]) -> str:
    """Every claim with its scales and what they take. verdicts: (claim, scale) -> the latest verdict, where there is
    one."""
    lines = []
    for claim in claims:
        scales = ", ".join(f"{name} {_minutes(scale.minutes)}" for name, scale in claim.scales.items())
        lines.append(f"{claim.name}  {claim.year}  ({scales})")
        told = [
            f"{name}{', a surrogate,' if scale.surrogate else ''} {verdicts[claim.name, name]}"
            for name, scale in claim.scales.items()
            if (claim.name, name) in verdicts
        ]
        lines += [f"  {'; '.join(told)}"] if told else []
        lines += textwrap.wrap(f"{claim.sentence} {claim.source}", WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines)


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return f"{max(1, round(60 * minutes))} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _held(one: Judgement, aspect: str) -> str:
    mine = [check.verdict for check in one.checks if check.expected.aspect == aspect]
    return f"{mine.count('REPRODUCED')}/{len(mine)}"


def _seeds(one: Judgement) -> int:
    return len({o.seed for o in one.gathered.evidence.observed}) if one.gathered else 0


def _surrogate(one: Judgement) -> bool:
    return one.scale_name in one.claim.scales and one.claim.scales[one.scale_name].surrogate


def _grouped(checks: Sequence[Check]) -> list[tuple[str, str]]:
    """(names of the checks, test), a test once."""
    tests: dict[str, list[str]] = {}
    for check in checks:
        if check.test:
            tests.setdefault(check.test, []).append(_plain(check.expected.name))
    if len(tests) == 1:
        return [("all figures", next(iter(tests)))]
    return [(", ".join(names), test) for test, names in tests.items()]


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _labelled(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"{label:<{LABEL}}", subsequent_indent=" " * LABEL, break_on_hyphens=False
    )
