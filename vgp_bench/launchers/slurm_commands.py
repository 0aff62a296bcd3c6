"""Slurm's own programs: sbatch, squeue, scancel. Nothing here needs a database of accounts."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from vgp_bench.errors import ConfigError

PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")
LEFT = frozenset(
    (
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED"),
        *("NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    )
)
"""States of a job that will not run again by itself."""
ASKED = 4
"""Times that a queue is asked for which has to be known."""
PAUSE = 5.0
"""Seconds between two of them: a controller that restarts is away for some."""


class Job(NamedTuple):
    """A job, or a task of an array. reason: why it is pending, in Slurm's words."""

    state: str
    reason: str = ""

    @property
    def has_left(self) -> bool:
        return self.state in LEFT


GONE = Job("COMPLETED")
"""What stands for a job that Slurm has forgotten: long ago it has left."""
UNKNOWN = Job("PENDING")
"""What stands for a job of which Slurm has not been asked, or has not answered."""


def check_programs() -> None:
    """Raises ConfigError where Slurm is not at hand."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise ConfigError(
            f"launcher=slurm: no {missing[0]} here; run on a login node of the cluster, or use launcher=local"
        )


def submit(script: str) -> str:
    """The number of the job that sbatch makes of a script. Raises ConfigError with what sbatch says against it."""
    done = _call(["sbatch", "--parsable"], script)
    number = done.stdout.strip().split(";")[0]  # the name of the cluster may follow
    if done.returncode or not re.fullmatch(r"\d+", number):
        lines = [line.removeprefix("sbatch: error: ").strip() for line in done.stderr.splitlines() if line.strip()]
        says = "; ".join(dict.fromkeys(lines))[:160] or f"exit code {done.returncode}"
        raise ConfigError(f"launcher=slurm: sbatch refuses: {says}")
    return number


def queue() -> Mapping[str, Job] | None:
    """Every job of this user that Slurm still knows, by its number, 12_3 for a task of an array.

    None if Slurm does not answer: then nothing is known, and nothing may be concluded.
    """
    done = _call(["squeue", "-h", "-r", "-t", "all", "-u", str(os.getuid()), "-o", "%i|%T|%r"])
    if done.returncode:
        return None
    lines = [line.split("|", 2) for line in done.stdout.splitlines() if "|" in line]
    return {number: Job(state, *(reason.strip("()") for reason in rest)) for number, state, *rest in lines}


def queue_for_sure() -> Mapping[str, Job]:
    """The same, asked for a few times. Raises ConfigError if Slurm does not answer: taken for an empty queue, silence
    would have everything submitted a second time."""
    for again in range(ASKED):
        if again:
            time.sleep(PAUSE)
        if (known := queue()) is not None:
            return known
    raise ConfigError("launcher=slurm: Slurm does not answer (squeue fails); try again once it does")


def ask(jobs: Iterable[str]) -> None:
    """Takes pending jobs out of the queue and asks running ones to keep what they have and to leave."""
    jobs = list(jobs)
    if jobs:
        _call(["scancel", "--state=PENDING", *jobs])
        _call(["scancel", "--batch", "--signal=TERM", *jobs])


def cancel(jobs: Iterable[str]) -> None:
    """Ends these jobs."""
    jobs = list(jobs)
    if jobs:
        _call(["scancel", *jobs])


def _call(words: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        # In a session of its own: Ctrl-C at the terminal is for the launcher, and would end sbatch half way.
        return subprocess.run(words, input=text, capture_output=True, text=True, timeout=120, start_new_session=True)
    except (OSError, subprocess.TimeoutExpired) as error:  # a controller that restarts lets its clients wait
        return subprocess.CompletedProcess(words, 1, "", f"{words[0]}: {error}")
