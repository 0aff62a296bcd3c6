"""The latest verdict on each claim, kept beside the runs, so that lists can tell it without judging again."""

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vgp_bench.claims.cells import EXPERIMENT
from vgp_bench.claims.judgement import Judgement
from vgp_bench.claims.text import measured, words
from vgp_bench.records.files import write_atomically, writing

FOLDER = "verdicts"


@dataclass(frozen=True)
class KeptCheck:
    """measured: in words."""

    name: str
    unit: str
    expected: str
    measured: str
    verdict: str


@dataclass(frozen=True)
class KeptVerdict:
    """words: the verdicts in a line, of this claim judged alone; date: as 2026-01-31."""

    claim: str
    scale: str
    words: str
    date: str
    seeds: int
    checks: Sequence[KeptCheck]


def keep(one: Judgement, results_dir: str | Path) -> None:
    """Keeps a judgement that rests on evidence. Raises ResultsError if the disk refuses."""
    if one.gathered is None:
        return
    checks = [KeptCheck(c.expected.name, c.expected.unit, c.expected.words, measured(c), c.verdict) for c in one.checks]
    # A quick look with few seeds does not take the place of what many have shown.
    seeds = len({observed.seed for observed in one.gathered.evidence.observed})
    today = datetime.date.today().isoformat()
    made = KeptVerdict(one.claim.name, one.scale_name, words(one), today, seeds, checks)
    if any(old.claim == made.claim and old.scale == made.scale and old.seeds > seeds for old in kept(results_dir)):
        return
    path = Path(results_dir) / EXPERIMENT / FOLDER / f"{one.claim.name}-{one.scale_name}.json"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(made), indent=1).encode())


def kept(results_dir: str | Path) -> list[KeptVerdict]:
    """What was kept, in no order; a file that cannot be read is passed over: it is judged again with the next call."""
    found = []
    for path in (Path(results_dir) / EXPERIMENT / FOLDER).glob("*.json"):
        try:
            content = json.loads(path.read_text())
            found.append(KeptVerdict(**{**content, "checks": [KeptCheck(**check) for check in content["checks"]]}))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return found
