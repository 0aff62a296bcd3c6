"""A real Slurm of two nodes with one core each, all on this machine: for tests. No system service is touched.

There is no database. Jobs of the partition `high` push those of `main` out, which are then queued again.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vgp_bench.records.processes import is_alive

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
SETTINGS = """\
ClusterName=box
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
SlurmctldParameters={parameters}
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
MinJobAge=300
KillWait=5
SlurmdTimeout=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool_%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port1} CPUs=1 RealMemory=2000
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={port2} CPUs=1 RealMemory=2000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=20 PreemptMode=REQUEUE
PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=9 PreemptMode=OFF
"""


class SlurmBox:
    """folder: where its files lie; the path must be short, for the socket in it."""

    def __init__(self, folder: Path, parameters: str = "preempt_send_user_signal") -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        for name in ("munge", "state", "spool_node1", "spool_node2"):
            (folder / name).mkdir(mode=0o700)
        with contextlib.ExitStack() as sockets:
            free = [sockets.enter_context(socket.socket()) for _ in range(3)]
            for one in free:
                one.bind(("127.0.0.1", 0))
            port, port1, port2 = (one.getsockname()[1] for one in free)
        self.conf.write_text(
            SETTINGS.format(
                host=socket.gethostname().split(".")[0],
                folder=folder,
                port=port,
                port1=port1,
                port2=port2,
                parameters=parameters,
            )
        )

    def start(self) -> None:
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o400)
        files = {"key": "key", "socket": "socket", "pid": "pid", "log": "log", "seed": "seed"}
        self.call(
            "munged",
            "--force",
            *(f"--{option}-file={munge / name}" for option, name in files.items() if option != "socket"),
            f"--socket={munge / 'socket'}",
        )
        self.call("slurmctld", "-f", str(self.conf))
        for node in ("node1", "node2"):
            self.start_node(node)
        self.until(lambda: set(self.call("sinfo", "-h", "-o", "%D:%t").split()) == {"2:idle"})

    def start_node(self, node: str) -> None:
        self.call("slurmd", "-f", str(self.conf), "-N", node)

    def kill_node(self, node: str) -> None:
        """As if its power was cut: its daemon is gone, with all that runs on it."""
        jobs = self.call("squeue", "-h", "-w", node, "-t", "running", "-o", "%A").split()
        os.kill(int((self.folder / f"{node}.pid").read_text()), signal.SIGKILL)
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                variables = (entry / "environ").read_bytes().split(b"\0")
                of_a_job = any(f"SLURM_JOB_ID={job}".encode() in variables for job in jobs)
                steps = f"slurmstepd: [{jobs[0]}." in (entry / "cmdline").read_text() if jobs else False
                if of_a_job or steps:
                    os.kill(int(entry.name), signal.SIGKILL)

    def call(self, *words: str, text: str = "") -> str:
        environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=60, env=environment)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def until(self, condition: Callable[[], object], seconds: float = 240) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain; " + self.call("squeue", "-r", "-t", "all")
            time.sleep(0.1)

    def stop(self) -> None:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.call("scancel", "--user=root")
            self.until(lambda: not self.call("squeue", "-h", "-t", "running,completing"), 20)
        for name in ("node1.pid", "node2.pid", "slurmctld.pid", "munge/pid"):
            with contextlib.suppress(OSError, ValueError):
                pid = int((self.folder / name).read_text())
                os.kill(pid, signal.SIGTERM)
                end = time.monotonic() + 10
                while is_alive(pid) and time.monotonic() < end:
                    time.sleep(0.02)


@contextlib.contextmanager
def slurm_box(folder: Path) -> Iterator[SlurmBox]:
    """A box that runs; skips the test where it cannot."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no Slurm here ({missing[0]}); Debian has it as slurmctld slurmd slurm-client munge")
    if os.getuid() != 0:
        pytest.skip("Slurm's daemons for the test need root")
    folder.mkdir(mode=0o700)
    box = SlurmBox(folder)
    try:
        box.start()
        yield box
    finally:
        box.stop()
