"""Judgements as a file: a page to look at, or a table in Markdown to keep beside the code."""

import datetime
import shlex
from collections.abc import Sequence
from pathlib import Path

from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.markdown import markdown
from vgp_bench.claims.page import page
from vgp_bench.claims.text import turned
from vgp_bench.plural import plural
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import write_text


def write(
    judgements: Sequence[Judgement],
    alone: Sequence[Judgement],
    path: Path,
    command: Sequence[str],
    broken: bool = False,
) -> Path:
    """Writes a .html or .md file, with the folders above it, and returns its path. Raises ResultsError if it cannot.

    alone: the same without adjustment for their number; broken: whether the claims were spoilt on
    purpose, which the file then says first.
    """
    about = {"SPOILT": "on purpose (--broken): no verdict here is one on the claim"} if broken else {}
    about |= _about(judgements, command)
    text = (
        page(judgements, about, turned(judgements, alone))
        if path.suffix.lower() == ".html"
        else markdown(judgements, about, alone)
    )
    write_text(path, text)
    return path


def _about(judgements: Sequence[Judgement], command: Sequence[str]) -> dict[str, str]:
    """Everything needed to judge the figures and to make them again."""
    records = [
        one.record
        for judgement in judgements
        if judgement.gathered
        for one in judgement.gathered.evidence.observed
        if one.record is not None
    ]
    device = ", ".join(dict.fromkeys(str(record.environment.get("device")) for record in records)) or "cpu"
    here = describe_environment(device, command)
    code = here["code"]
    commit = f"{code['commit']}{' with changes' if code['dirty'] else ''}" if code["commit"] else "an installed package"
    return {
        "command": shlex.join(command),
        "date": datetime.date.today().isoformat(),
        "machine": f"{here['cpu']}, {plural(here['cpu_count'], 'core')}, {here['platform']}",
        "device": device,
        "versions": f"Python {here['python']}, " + ", ".join(f"{k} {v}" for k, v in here["versions"].items()),
        "code": commit,
    }
