"""Judgements as one HTML page that holds everything it shows: the table, then each claim with its picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vgp_bench.claims.checks import Check
from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.pictures import drawn
from vgp_bench.claims.text import measured, ran
from vgp_bench.report.page.build import ASSETS as REPORT_ASSETS
from vgp_bench.report.page.pictures import png
from vgp_bench.version import __version__

ASSETS = Path(__file__).parent / "assets"


def page(judgements: Sequence[Judgement], about: Mapping[str, str], turned: Sequence[str] = ()) -> str:
    """The page as text. turned: what is judged otherwise alone, in words. Every text from a claim's file, a path or
    a message is escaped."""
    import jinja2
    import markupsafe

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    counts: dict[str, int] = {}
    for one in judgements:
        for verdict in one.verdicts.values():
            counts[verdict] = counts.get(verdict, 0) + 1
    return environment.get_template("claims.html.jinja").render(
        css=markupsafe.Markup((REPORT_ASSETS / "page.css").read_text(encoding="utf-8")),
        own=markupsafe.Markup((ASSETS / "claims.css").read_text(encoding="utf-8")),
        counts=", ".join(f"{count} {verdict}" for verdict, count in counts.items()),
        about=about,
        adjusted=len(judgements) > 1,
        turned=", ".join(turned),
        claims=[_view(one) for one in judgements],
        version=__version__,
    )


def _view(one: Judgement) -> dict[str, Any]:
    scale = one.claim.scales.get(one.scale_name)
    return {
        "claim": one.claim,
        "scale": one.scale_name,
        "decides": scale.decides if scale else "",
        "surrogate": bool(scale and scale.surrogate),
        "verdicts": [(aspect, verdict, verdict.lower().replace(" ", "-")) for aspect, verdict in one.verdicts.items()],
        "runs": ran(one) if one.gathered else f"not run: {one.reason}",
        "checks": [_check(check) for check in one.checks],
        "picture": _picture(one),
    }


def _check(check: Check) -> dict[str, str]:
    e = check.expected
    return {
        "name": e.name.replace("_", " ") + (f" ({e.unit})" if e.unit else ""),
        "expected": e.words,
        "source": e.source,
        "measured": measured(check),
        "n": str(check.measured.n),
        "p": f"{min(check.p_for, check.p_against):.1g}" if check.test and check.measured.n else "",
        "test": check.test,
        "verdict": check.verdict,
        "kind": check.verdict.lower().replace(" ", "-"),
        "reason": check.reason,
    }


def _picture(one: Judgement) -> dict[str, Any] | None:
    figure = drawn(one)
    if figure is None:
        return None
    data, width, height = png(figure)
    return {"data": data, "width": width, "height": height}
