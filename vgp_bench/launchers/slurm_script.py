"""The script of a job array: each task finds its spec and runs a worker on it, and is queued again if that is asked to
leave before its end."""

import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vgp_bench.launchers.slurm_settings import SlurmSettings
from vgp_bench.worker import INTERRUPTED

# SIGUSR2 comes before the time limit and before a preemption: then the task goes on later. SIGTERM is somebody's wish
# that it ends. The shell gets both (`B:`) and passes them on. `wait` returns early for them, with a code above 128.
SCRIPT = """\
#!/bin/bash
{options}
at=$((2 * SLURM_ARRAY_TASK_ID + 1))
spec=$(sed -n "${{at}}p" {paths})
exec >>"$(sed -n "$((at + 1))p" {paths})" 2>&1
task="${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
restarts=${{SLURM_RESTART_COUNT:-0}}
echo "Slurm job $task on $(hostname), start $((restarts + 1))"
export OMP_NUM_THREADS={cpus}
leave=
trap 'leave=${{leave:-later}}; signalled=1; kill -USR2 $worker 2>/dev/null' USR2
trap 'leave=${{leave:-never}}; signalled=1; kill -TERM $worker 2>/dev/null' TERM
{python} -m vgp_bench.worker --wait "$spec" &
worker=$!
signalled=1
while [ -n "$signalled" ]; do
    signalled=
    wait $worker
    code=$?
    [ $code -gt 128 ] || break
done
# The signal can come before Python listens to it: then it ends the worker, which has not begun anything.
too_early=$((128 + $(kill -l USR2)))
if [[ $code = {interrupted} || $code = "$too_early" ]] && [ "$leave" = later ]; then
    said="asked to leave by Slurm $((restarts + 1)) times; raise launcher.restarts={restarts} or launcher.time"
    if [ "$restarts" -lt {restarts} ]; then
        echo "asked to leave by Slurm: queued again"
        if scontrol requeue "$task"; then
            sleep 60  # Slurm ends the script, and may begin with this
            exit $code
        fi
        said="asked to leave by Slurm, and scontrol could not queue it again"
    fi
    {python} -m vgp_bench.worker --gave-up "$said" "$spec"
fi
[ $code -le 2 ] || echo "the worker ended with code $code at $(date +%T)"
exit $code
"""


def batch_script(
    settings: SlurmSettings, name: str, count: int, at_once: int | None, before: Iterable[str], paths: Path, stray: Path
) -> str:
    """The text for sbatch. count: tasks; at_once: of them; before: jobs that must have left; paths: a file with spec
    and log of each task, a line each; stray: where Slurm itself writes, when a task cannot even start."""
    extra = dict(settings.extra)
    earlier = sorted(before, key=int)
    waits = [f"afterany:{':'.join(earlier)}"] if earlier else []
    waits += [str(extra.pop("dependency"))] if extra.get("dependency") else []
    options: dict[str, Any] = {
        "job-name": f"vgp-bench:{name}",
        "array": f"0-{count - 1}" + (f"%{at_once}" if at_once else ""),
        "output": str(stray),
        "open-mode": "append",
        "requeue": True,
        "signal": f"B:USR2@{settings.warning}",
        "nodes": 1,
        "ntasks": 1,
        "cpus-per-task": settings.cpus,
        "partition": settings.partition,
        "account": settings.account,
        "time": settings.time,
        "mem": settings.memory,
        "gres": f"gpu:{settings.gpus}" if settings.gpus else None,
        "dependency": ",".join(waits) or None,
        **extra,
    }
    return SCRIPT.format(
        options="\n".join(_lines(options)),
        paths=shlex.quote(str(paths)),
        cpus=settings.cpus,
        python=shlex.quote(sys.executable),
        interrupted=INTERRUPTED,
        restarts=settings.restarts,
    )


def _lines(options: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, value in options.items():
        if value is True:
            lines.append(f"#SBATCH --{key}")
        elif value is not None and value is not False:
            lines.append(f"#SBATCH --{key}={shlex.quote(str(value))}")
    return lines
