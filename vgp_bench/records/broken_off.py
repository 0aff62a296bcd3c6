"""Why a run was broken off, where its own process could not say it: killed, or asked to leave it knew not why."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

from vgp_bench.errors import ResultsError
from vgp_bench.records.contents import read_object
from vgp_bench.records.files import write_atomically
from vgp_bench.records.ownership import Ownership
from vgp_bench.records.status import RESUMABLE, Status, now


def explain(run: Path, reason: str) -> None:
    """Writes into the record that the run was interrupted, and why. Never raises.

    Nothing is written where there is no record, where another process has the run in hand, or where the run has ended.
    """
    with contextlib.suppress(ResultsError):
        if not _is_broken_off(run):
            return
        ownership = Ownership(run)
        ownership.claim()
        try:
            if _is_broken_off(run):  # still, now that nobody else writes it
                old = read_object(run / "status.json", Status.from_json)
                new = replace(old, state="interrupted", reason=reason, ended=old.ended or now())
                text = json.dumps(new.as_json(), indent=2, ensure_ascii=False) + "\n"
                write_atomically(run / "status.json", text.encode(), durable=True)
        finally:
            ownership.release()


def _is_broken_off(run: Path) -> bool:
    return read_object(run / "status.json", Status.from_json).state in RESUMABLE
