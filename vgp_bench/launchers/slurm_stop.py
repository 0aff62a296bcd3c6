"""The end of jobs before their time."""

import time
from collections.abc import MutableMapping

from vgp_bench.launchers.slurm_commands import GONE, UNKNOWN, ask, cancel, queue
from vgp_bench.launchers.task_files import TaskFiles

STOPPING = 60.0
"""Seconds that running tasks have to keep what they have when the sweep is stopped."""
CANCELLING = 40.0
"""Seconds until jobs that are cancelled have to be gone: Slurm gives their processes 30 (KillWait) before it kills."""


def stop(jobs: MutableMapping[TaskFiles, str], poll: float) -> None:
    """Asks these jobs to leave, and ends those that do not. Slurm may be silent: whoever has been seen to be gone is
    taken out of `jobs`, whoever is left there may still run. A second Ctrl-C does not wait for that.
    """
    patience = CANCELLING
    try:
        ask(jobs.values())
        _await(jobs, STOPPING, poll)
    except KeyboardInterrupt:
        patience = 0.0
        raise
    finally:
        cancel(jobs.values())
        _await(jobs, patience, poll)


def _await(jobs: MutableMapping[TaskFiles, str], seconds: float, poll: float) -> None:
    until = time.monotonic() + seconds
    while jobs:
        known = queue()
        for files, number in list(jobs.items()):
            job = UNKNOWN if known is None else known.get(number, GONE)
            if job.has_left or (job.state == "COMPLETING" and files.outcome() is not None):
                del jobs[files]
        if not jobs or time.monotonic() > until:
            return
        time.sleep(min(1.0, poll))
