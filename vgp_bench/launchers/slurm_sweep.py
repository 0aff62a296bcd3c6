"""One sweep over Slurm's queue: what is in it is watched, what is not is submitted, and how each task ended is told."""

import signal
import time
from collections.abc import Mapping, Sequence

from vgp_bench.errors import Stopped, UserError
from vgp_bench.launchers.launcher import STOPPED, Task, Watcher
from vgp_bench.launchers.slurm_arrays import stray_log, submit_tasks
from vgp_bench.launchers.slurm_commands import GONE, UNKNOWN, Job, queue, queue_for_sure
from vgp_bench.launchers.slurm_ends import BY_LIMIT, NOT_ITS_FAULT, why
from vgp_bench.launchers.slurm_pending import Reasons, in_queue
from vgp_bench.launchers.slurm_settings import SlurmSettings
from vgp_bench.launchers.slurm_stop import stop
from vgp_bench.launchers.task_files import TaskFiles
from vgp_bench.launchers.telling import tell
from vgp_bench.outcome import Outcome
from vgp_bench.plural import plural

LOST_AFTER = 90.0
"""Seconds: a job that has ended, or that Slurm no longer knows, and of which no outcome is seen by then, is lost. A
shared file system may show a file late: NFS denies one for up to 60 s (acdirmax) that was not there a moment ago."""


class SlurmSweep:
    """One call of launch."""

    def __init__(self, settings: SlurmSettings, watcher: Watcher) -> None:
        self.settings, self.watcher = settings, watcher
        self.jobs: dict[TaskFiles, str] = {}
        self.picked_up: set[TaskFiles] = set()
        self.begun: set[TaskFiles] = set()
        self.left_at: dict[TaskFiles, float] = {}
        self.times: dict[TaskFiles, int] = {}
        self.again: list[TaskFiles] = []
        self.reasons = Reasons()
        self.known: Mapping[str, Job] = {}
        self.goes_on = True

    def run(self, tasks: Sequence[Task]) -> None:
        """Until all have ended, or the watcher has seen enough."""
        self.known = queue_for_sure()
        self.jobs, fresh = in_queue(tasks, self.known)
        self.picked_up = set(self.jobs)
        is_alone = False
        try:
            self._submit(fresh)
            while self.goes_on and self.jobs:
                self._look_at_all(queue())
                if self.goes_on and self.jobs:
                    time.sleep(self.settings.poll)
        except Stopped as stopped:
            is_alone = stopped.number == signal.SIGHUP
            raise
        finally:
            if is_alone:
                runs = plural(len(self.jobs), "run", "go")
                tell(f"the terminal is gone; {runs} on in Slurm's queue, the same command picks them up")
            else:
                self._stop()

    def _submit(self, files: Sequence[TaskFiles]) -> None:
        for one in files:
            self.times[one] = self.times.get(one, 0) + 1
        submit_tasks(self.settings, files, self.jobs, [job for one, job in self.jobs.items() if self._is_ahead(one)])

    def _is_ahead(self, files: TaskFiles) -> bool:
        """Whether its job is in the queue. What was submitted since Slurm was asked last is."""
        unknown = GONE if files in self.picked_up else UNKNOWN
        return not self.known.get(self.jobs[files], unknown).has_left

    def _look_at_all(self, known: Mapping[str, Job] | None) -> None:
        self.known = self.known if known is None else known
        for files in list(self.jobs):
            self._look(files, known)
        self.reasons.tell(self.jobs.values(), known or {})
        if self.again and self.goes_on:
            again, self.again = self.again, []
            try:
                self._submit(again)
            except UserError as error:
                for files in again:
                    self._end_without_word(files, f"it was pushed out, and could not be submitted again: {error}")

    def _look(self, files: TaskFiles, known: Mapping[str, Job] | None) -> None:
        if (outcome := files.outcome()) is not None:
            self._ended(files, outcome)
            return
        if known is None:  # Slurm does not answer: nothing is known
            self.left_at.pop(files, None)
            return
        job = known.get(self.jobs[files])
        if job is not None and not job.has_left:
            self.left_at.pop(files, None)
            if job.state != "PENDING":
                self._started(files)
            return
        now = time.monotonic()
        if now - self.left_at.setdefault(files, now) < LOST_AFTER:
            return
        state = job.state if job else None
        if state in NOT_ITS_FAULT and self.times.get(files, 0) <= self.settings.restarts:
            del self.left_at[files]
            self.again.append(files)
        elif not files.is_in_hand():  # by a process that only Slurm has lost, say: then it is no loss yet
            self._end_without_word(files, why(state), is_known=state in BY_LIMIT)

    def _end_without_word(self, files: TaskFiles, reason: str, is_known: bool = False) -> None:
        stray = stray_log(files, self.jobs[files])
        if stray.is_file() and stray.stat().st_size:
            reason = f"{reason}; see {stray}"
        if is_known:
            files.explain(reason)
        self._ended(files, files.settle("lost", reason))

    def _started(self, files: TaskFiles) -> None:
        if files not in self.begun:
            self.begun.add(files)
            self.watcher.started(files.task)

    def _ended(self, files: TaskFiles, outcome: Outcome) -> None:
        self._started(files)
        del self.jobs[files]
        self.left_at.pop(files, None)
        files.release()
        self.goes_on = self.watcher.ended(files.task, outcome) and self.goes_on

    def _stop(self) -> None:
        """Ends what this call submitted; each keeps what it has, and what has ended is told."""
        for files in list(self.jobs):
            if (outcome := files.outcome()) is not None:
                self._ended(files, outcome)
        mine = {files: job for files, job in self.jobs.items() if files not in self.picked_up}
        unsure = dict(mine)
        try:
            stop(unsure, self.settings.poll)
        finally:
            for files, job in mine.items():
                self._stopped(
                    files, f"{STOPPED}, but Slurm has not said that job {job} ended" if files in unsure else ""
                )
            self.jobs = {}
            if unsure:
                jobs = " ".join(unsure.values())
                tell(
                    f"Slurm has not said that these jobs ended, and they may go on: {jobs}; "
                    f"`scancel {jobs}` ends them, the same command picks them up"
                )

    def _stopped(self, files: TaskFiles, unsure: str) -> None:
        """A task that was asked to leave. unsure: words for one that may still run: then it is left in its hands."""
        if (outcome := files.outcome()) is not None:
            self._ended(files, outcome)
        elif unsure:
            if files in self.begun:
                task = files.task
                self.watcher.ended(task, Outcome(task.composed.label, "interrupted", task.path, unsure))
        elif files in self.begun:
            self._ended(files, files.settle("interrupted", STOPPED))
        else:
            files.release()
