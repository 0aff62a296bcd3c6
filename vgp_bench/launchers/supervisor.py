"""A sweep that outlives the command that began it: a process of this machine, without a terminal, that launches."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from vgp_bench.config import ComposedRun
from vgp_bench.errors import Stopped
from vgp_bench.launchers.launcher import Progress, Task
from vgp_bench.launchers.local import Local
from vgp_bench.outcome import Outcome


class _Log:
    """A watcher that writes a line for each run."""

    def __init__(self, fail_fast: bool) -> None:
        self.fail_fast = fail_fast

    def started(self, task: Task) -> Callable[[int], Progress]:
        print(f"{task.number} started: {task.composed.label}", flush=True)
        return lambda total_steps: lambda steps, loss: None

    def ended(self, task: Task, outcome: Outcome) -> bool:
        reason = f": {outcome.reason}" if outcome.reason else ""
        print(f"{task.number} {outcome.state}: {outcome.label}{reason}", flush=True)
        return not (self.fail_fast and outcome.is_failure)


def supervise(orders: Path) -> None:
    """Launches the tasks of a file that detaching wrote."""
    content = json.loads(orders.read_text())
    tasks = [
        Task(task["number"], ComposedRun(**task["composed"]), Path(task["path"]), task["command"])
        for task in content["tasks"]
    ]
    fail_fast = bool(tasks[0].composed.config.get("fail_fast"))
    Local(**content["launcher"]).launch(tasks, _Log(fail_fast))


if __name__ == "__main__":
    print(f"process {os.getpid()}", flush=True)
    try:
        supervise(Path(sys.argv[1]))
    except KeyboardInterrupt as stop:
        print("stopped: what ran is kept, and the same command goes on from there", flush=True)
        sys.exit(128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT))
