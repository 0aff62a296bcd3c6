"""One run of a sweep in a process of its own: `python -m vgp_bench.worker [--wait] SPEC.json`, without Hydra.

A launcher writes the spec and reads, beside it, what the worker says of the end; what was measured is in the record.
The exit code says the same in short: 0 finished, 1 failed, 2 refused, 75 interrupted (it can be resumed); and, where
the disk did not take what the worker had to say, 74.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vgp_bench.config import ComposedRun
from vgp_bench.errors import ResultsError
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import read_summary

FAILED, REFUSED = 1, 2
INTERRUPTED = os.EX_TEMPFAIL
UNWRITTEN = os.EX_IOERR
EXIT_CODES: Mapping[str, int] = {**dict.fromkeys(ENDED_WELL, 0), "failed": FAILED, "refused": REFUSED}


WAIT = 5.0
"""Seconds between two looks whether another process has ended."""


def write_spec(spec: Path, composed: ComposedRun, command: list[str]) -> None:
    """What a worker needs to know; the end of an earlier attempt is forgotten. Raises ResultsError."""
    outcome_path(spec).unlink(missing_ok=True)
    _write(
        spec,
        {"label": composed.label, "command": command, "choices": composed.choices, "config": composed.config},
    )


def read_outcome(spec: Path, label: str) -> Outcome | None:
    """How the worker of this spec says the run ended; None if it never came to say it."""
    try:
        content = json.loads(outcome_path(spec).read_text())
        path = Path(content["path"]) if content["path"] else None
        summary = read_summary(path) if path and content["state"] in ENDED_WELL else None
        return Outcome(label, content["state"], path, content["reason"], summary)
    except (OSError, ValueError, KeyError, TypeError, ResultsError):
        return None


def write_outcome(spec: Path, outcome: Outcome) -> None:
    """Says how the run of this spec ended. Raises ResultsError."""
    path = str(outcome.path) if outcome.path else None
    _write(outcome_path(spec), {"state": outcome.state, "path": path, "reason": outcome.reason})


def outcome_path(spec: Path) -> Path:
    """Where the worker of this spec writes how the run ended."""
    return spec.with_suffix(".outcome.json")


def work(spec: Path, wait: bool = False) -> int:
    """Performs the run of a spec, writes its outcome and returns the exit code.

    wait: as long as another process has the run in hand. After the loss of a node it takes a minute until the process
    there counts as gone, and a process that only the cluster has lost may still finish its run.
    """
    try:
        content = json.loads(spec.read_text())
        composed = ComposedRun(content["config"], content["choices"], content["label"])
    except (OSError, ValueError, KeyError) as error:
        print(f"vgp-bench: {spec} is no spec of a run: {type(error).__name__}: {error}", file=sys.stderr)
        return REFUSED
    _say(f"{composed.label}  (process {os.getpid()})")
    # Until the run listens itself, while torch is imported say.
    for number in (signal.SIGTERM, signal.SIGUSR2):
        signal.signal(number, signal.default_int_handler)
    try:
        from vgp_bench.run import perform

        outcome = perform(composed, content["command"], _unseen)
        while wait and outcome.is_elsewhere:
            time.sleep(WAIT)
            outcome = perform(composed, content["command"], _unseen)
        write_outcome(spec, outcome)
    except KeyboardInterrupt:
        _say("interrupted: what it has is kept")
        return INTERRUPTED
    except ResultsError as error:
        _say(str(error))
        return UNWRITTEN
    _say(f"{outcome.state}{': ' if outcome.reason else ''}{outcome.reason}")
    return EXIT_CODES[outcome.state]


def _say(line: str) -> None:
    """A line for the log. A disk that has no room for it may still have some for the run, by the time it is needed."""
    try:
        print(line, flush=True)
    except OSError:
        # What stays in the buffer would fail again at the end, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unseen(total_steps: int) -> Callable[[int, float], None]:
    """Nobody looks at the steps of a worker."""
    return lambda steps, loss: None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


if __name__ == "__main__":
    *flags, name = sys.argv[1:] or [""]
    if not name or flags not in ([], ["--wait"]):
        sys.exit("usage: python -m vgp_bench.worker [--wait] SPEC.json")
    sys.exit(work(Path(name), wait=bool(flags)))
