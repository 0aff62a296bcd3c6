"""Hands tasks over to a process of this machine that outlives the command: see supervisor, which is that process."""

import json
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from vgp_bench.launchers.launcher import Task
from vgp_bench.launchers.processes import identity
from vgp_bench.launchers.task_files import TaskFiles, sweep_folder
from vgp_bench.plural import plural
from vgp_bench.records.files import write_atomically, writing


def detach(settings: Mapping[str, Any], tasks: Sequence[Task]) -> str:
    """Begins a supervisor of those tasks that nobody sees to; returns a line on how to stop it. settings: keys of the
    launcher. Raises ResultsError."""
    asked = len(tasks)
    tasks = [task for task in tasks if not TaskFiles(task).is_held()]
    if not tasks:
        return f"{plural(asked, 'run', 'are')} in the hands of an earlier call and left there"
    folder = sweep_folder(tasks[0]) / "supervisors"
    orders = folder / f"{uuid.uuid4().hex[:12]}.json"
    log = orders.with_suffix(".log")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = log.open("ab")
    content = {"launcher": dict(settings), "tasks": [{**asdict(task), "path": str(task.path)} for task in tasks]}
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
    held = plural(asked - len(tasks), "run", "are")
    there = f"; {held} in the hands of an earlier call" if len(tasks) < asked else ""
    go = plural(len(tasks), "run", "go")
    return f"{go} on in process {process.pid} (`kill {process.pid}` stops them); its log is {log}{there}"
