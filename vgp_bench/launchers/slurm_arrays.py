"""Tasks into Slurm's queue, as job arrays of which no more run at a time than was asked for."""

import uuid
from collections.abc import Iterable, MutableMapping, Sequence
from pathlib import Path

from vgp_bench.errors import ResultsError
from vgp_bench.launchers.processes import uninterrupted
from vgp_bench.launchers.slurm_commands import cancel, submit
from vgp_bench.launchers.slurm_script import batch_script
from vgp_bench.launchers.slurm_settings import SlurmSettings
from vgp_bench.launchers.task_files import TaskFiles, sweep_folder
from vgp_bench.records.files import write_atomically, writing

LARGEST_ARRAY = 1000
"""Tasks of one array: Slurm's MaxArraySize is 1001 unless a cluster says otherwise."""


def submit_tasks(
    settings: SlurmSettings, files: Sequence[TaskFiles], jobs: MutableMapping[TaskFiles, str], ahead: Iterable[str] = ()
) -> None:
    """Submits tasks; the job of each is in `jobs` once it is in the queue, whatever comes then.

    ahead: jobs of the same sweep that are in the queue. Slurm limits how many tasks run at once for each array alone:
    where there is a limit, an array waits for those before it. Raises ConfigError or ResultsError.
    """
    before = {job.split("_")[0] for job in ahead}
    for start in range(0, len(files), LARGEST_ARRAY):
        part = files[start : start + LARGEST_ARRAY]
        for one in part:
            one.prepare()
        folder = _folder(part[0])
        paths = folder / f"{uuid.uuid4().hex[:12]}.txt"
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_atomically(paths, "".join(f"{one.spec}\n{one.log}\n" for one in part).encode())
        config = part[0].task.composed.config
        at_once = settings.max_parallel or (None if config["jobs"] == "auto" else int(config["jobs"]))
        script = batch_script(
            settings, config["experiment_name"], len(part), at_once, before if at_once else (), paths, folder / STRAY
        )
        with uninterrupted():  # a job that nobody knows of is nobody's to stop
            job = submit(script)
            try:
                for index, one in enumerate(part):
                    one.hold({"engine": "slurm", "job": f"{job}_{index}"})
            except ResultsError:
                cancel([job])
                raise
            jobs.update({one: f"{job}_{index}" for index, one in enumerate(part)})
        before.add(job)


STRAY = "slurm-%A_%a.out"
"""Where Slurm itself writes for a task, and the task until it has its log: %A is the job, %a its place in the array."""


def stray_log(files: TaskFiles, job: str) -> Path:
    """The file of a task for what could not be written into its log."""
    array, _, place = job.partition("_")
    return _folder(files) / STRAY.replace("%A", array).replace("%a", place)


def _folder(files: TaskFiles) -> Path:
    return sweep_folder(files.task) / "slurm"
