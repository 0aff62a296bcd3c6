"""One run of a sweep in a process of its own: `python -m vgp_bench.worker [--wait] SPEC.json`, without Hydra.

A launcher writes the spec and reads, beside it, what the worker says of the end; what was measured is in the record.
The exit code says the same in short: 0 finished, 1 failed, 2 refused; and alone, nothing having ended, 69: another
process has the run in hand, 75: interrupted (it can be resumed), 74: the disk did not take what the worker had to say.
`--gave-up REASON SPEC.json` runs nothing: it says that nobody will begin the interrupted run of this spec again.
"""

import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from vgp_bench.config import ComposedRun
from vgp_bench.errors import ResultsError
from vgp_bench.outcome import ENDED_WELL, Outcome
from vgp_bench.records.broken_off import explain
from vgp_bench.records.files import write_atomically, writing
from vgp_bench.records.reading import read_summary

FAILED, REFUSED = 1, 2
ELSEWHERE = os.EX_UNAVAILABLE
INTERRUPTED = os.EX_TEMPFAIL
UNWRITTEN = os.EX_IOERR
EXIT_CODES: Mapping[str, int] = {**dict.fromkeys(ENDED_WELL, 0), "failed": FAILED, "refused": REFUSED}


WAIT = 5.0
"""Seconds between two looks whether another process has ended."""


def write_spec(spec: Path, composed: ComposedRun, command: list[str]) -> None:
    """What a worker needs to know. Raises ResultsError."""
    _write(
        spec,
        {"label": composed.label, "command": command, "choices": composed.choices, "config": composed.config},
    )


def put_aside(spec: Path) -> None:
    """Makes room for the end of a new attempt; whoever still watches the attempt before finds its end put aside.

    Raises ResultsError.
    """
    with writing(spec.parent), contextlib.suppress(FileNotFoundError):
        os.replace(outcome_path(spec), _aside(spec))


def ends(spec: Path) -> frozenset[str]:
    """The ids of the ends that are there: of earlier attempts, if a new one begins now."""
    return frozenset(str(_content(path).get("id", "")) for path in (outcome_path(spec), _aside(spec)) if path.exists())


def read_outcome(spec: Path, label: str, before: Collection[str] | None = None) -> Outcome | None:
    """How the worker of this spec says the run ended; None if it never came to say it.

    before: ids of ends of earlier attempts; then an end counts, too, that a later attempt has put aside.
    """
    for path in (outcome_path(spec), *([_aside(spec)] if before is not None else [])):
        content = _content(path)
        if not content or content.get("id", "") in (before or ()):
            continue
        try:
            run = Path(content["path"]) if content["path"] else None
            summary = read_summary(run) if run and content["state"] in ENDED_WELL else None
            return Outcome(label, content["state"], run, content["reason"], summary)
        except (KeyError, TypeError, ResultsError):
            continue
    return None


def write_outcome(spec: Path, outcome: Outcome) -> None:
    """Says how the run of this spec ended. Raises ResultsError."""
    path = str(outcome.path) if outcome.path else None
    content = {"id": secrets.token_hex(8), "state": outcome.state, "path": path, "reason": outcome.reason}
    _write(outcome_path(spec), content)


def give_up(spec: Path, reason: str) -> int:
    """Says that an interrupted run will not be begun again, to whoever watches and in its record; an exit code."""
    run = spec.absolute().parents[2] / spec.stem  # RESULTS/EXPERIMENT/.sweep/tasks/RUN_ID.json
    _say(reason)
    explain(run, reason)
    try:
        write_outcome(spec, Outcome("", "interrupted", run, reason))
    except ResultsError as error:
        _say(str(error))
        return UNWRITTEN
    return INTERRUPTED


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
        if outcome.is_elsewhere:  # it has not ended, and what is written here is read by whoever has it in hand
            _say(outcome.reason)
            return ELSEWHERE
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


def _aside(spec: Path) -> Path:
    """Where the end of the attempt before is."""
    return spec.with_suffix(".earlier.json")


def _content(path: Path) -> dict[str, Any]:
    """{} if there is none, or a damaged one."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--gave-up", said, name]:
            sys.exit(give_up(Path(name), said))
        case ["--wait", name]:
            sys.exit(work(Path(name), wait=True))
        case [name] if not name.startswith("--"):
            sys.exit(work(Path(name)))
        case _:
            sys.exit("usage: python -m vgp_bench.worker [--wait] SPEC.json")
