"""A sweep that outlives the command that began it: a process of this machine, without a terminal, that launches."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vgp_bench.config import ComposedRun
from vgp_bench.launchers.launcher import Progress, Task
from vgp_bench.launchers.processes import identity
from vgp_bench.launchers.task_files import TaskFiles, sweep_folder
from vgp_bench.outcome import Outcome
from vgp_bench.records.files import write_atomically, writing

if TYPE_CHECKING:
    from vgp_bench.launchers.local import Local


def detach(launcher: "Local", tasks: Sequence[Task]) -> str:
    """Begins a supervisor of these tasks; returns a line on how to stop it. Raises ResultsError."""
    folder = sweep_folder(tasks[0]) / "supervisors"
    orders = folder / f"{uuid.uuid4().hex[:12]}.json"
    log = orders.with_suffix(".log")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = log.open("ab")
    content = {"launcher": asdict(launcher), "tasks": [{**asdict(task), "path": str(task.path)} for task in tasks]}
    write_atomically(orders, json.dumps(content).encode())
    for task in tasks:
        TaskFiles(task).prepare()
    with file:
        process = subprocess.Popen(
            [sys.executable, "-m", "vgp_bench.launchers.supervisor", str(orders)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Here and not only there: the same command again, a moment later, must see that they are in hands.
    for task in tasks:
        TaskFiles(task).hold({"engine": "local", **identity(process.pid)})
    return f"{len(tasks)} runs go on in process {process.pid} (`kill {process.pid}` stops them); its log is {log}"


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
        return not (self.fail_fast and outcome.state in ("failed", "lost", "refused"))


def supervise(orders: Path) -> None:
    """Launches the tasks of a file that `detach` wrote."""
    from vgp_bench.launchers.local import Local

    content = json.loads(orders.read_text())
    tasks = [
        Task(task["number"], ComposedRun(**task["composed"]), Path(task["path"]), task["command"])
        for task in content["tasks"]
    ]
    fail_fast = bool(tasks[0].composed.config.get("fail_fast"))
    Local(**content["launcher"]).launch(tasks, _Log(fail_fast))


if __name__ == "__main__":
    print(f"process {os.getpid()}", flush=True)
    supervise(Path(sys.argv[1]))
