"""Stand-ins for what takes long: Slurm's programs, and workers that do not import torch. All are real processes."""

from pathlib import Path

import pytest

from tests.faulty import ROOT

PROGRAMS = {
    "sbatch": """\
n=$(ls "$d" | grep -c '^sent')
cat > "$d/sent$n"
if [ -e "$d/refused$n" ]; then echo 'sbatch: error: no more' >&2; exit 1; fi
[ -e "$d/ctrl_c" ] && kill -INT $PPID
echo $((n + 7))
""",
    "squeue": """\
echo >> "$d/asked"
[ -e "$d/away" ] && exit 1
at="$d/queue$(wc -l < "$d/asked")"
if [ -e "$at" ]; then cat "$at"; else cat "$d/queue"; fi
""",
    "scancel": """\
echo "$*" >> "$d/cancelled"
[ -e "$d/away" ] && exit 1
[ -e "$d/queue_after" ] && cp "$d/queue_after" "$d/queue"
exit 0
""",
    "scontrol": 'echo "$*" >> "$d/asked_of_scontrol"\n',
}


class FakeSlurm:
    """sbatch, squeue, scancel and scontrol that say what a file says. The first job has the number 7."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        for name, text in PROGRAMS.items():
            (folder / name).write_text(f"#!/bin/sh\nd={folder}\n{text}")
            (folder / name).chmod(0o755)
        self.queue()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def queue(self, *lines: str, at: int | str = "") -> None:
        """What squeue says: always, or only when it is asked for the at-th time; "after": once scancel was called."""
        name = "queue_after" if at == "after" else f"queue{at}"
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def is_away(self, away: bool = True) -> None:
        """No program reaches the controller."""
        if away:
            (self.folder / "away").touch()
        else:
            (self.folder / "away").unlink()

    def touch(self, name: str) -> None:
        (self.folder / name).touch()

    @property
    def scripts(self) -> list[str]:
        """What was submitted."""
        return [(self.folder / f"sent{n}").read_text() for n in range(len(list(self.folder.glob("sent*"))))]

    def options(self) -> list[dict[str, str]]:
        """The options of each script."""
        lines = [[line[10:] for line in text.splitlines() if line.startswith("#SBATCH --")] for text in self.scripts]
        return [{line.partition("=")[0]: line.partition("=")[2] for line in options} for options in lines]

    @property
    def asked(self) -> int:
        """How often squeue was called."""
        return len((self.folder / "asked").read_text()) if (self.folder / "asked").exists() else 0

    @property
    def cancelled(self) -> list[str]:
        """The words of each scancel."""
        file = self.folder / "cancelled"
        return file.read_text().splitlines() if file.exists() else []


WORKER = """\
import sys
if 'vgp_bench.worker' in sys.orig_argv and '--gave-up' not in sys.orig_argv:
    import json, os, pathlib, signal, subprocess, time
    from vgp_bench.outcome import Outcome
    from vgp_bench.records.ownership import Ownership
    from vgp_bench.worker import write_outcome
    spec = pathlib.Path(sys.orig_argv[-1])
    run = spec.parents[2] / spec.stem
    words = json.loads(spec.read_text())['config']['optimizer']
    print(f'(process {os.getpid()})', flush=True)
    mark, kind = words['mark'] and pathlib.Path(words['mark']), words['kind']
    if mark and mark.exists():
        kind = 'none'
    signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
    if kind == 'child':
        child = subprocess.Popen(['sleep', '600'])
        mark.write_text(str(child.pid))
    elif kind == 'hang':
        from vgp_bench.records.store import RunStore
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        RunStore(run).begin({}, {}, {})
    if mark and not mark.exists():
        mark.write_text(str(os.getpid()))
    if kind == 'raise':
        write_outcome(spec, Outcome('', 'failed', None, 'ArithmeticError: an own part'))
        os._exit(1)
    if kind == 'exit':
        os._exit(3)
    if kind == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
    while kind in ('hang', 'wait'):
        time.sleep(600)
    if kind == 'hold':
        run.mkdir(parents=True, exist_ok=True)
        Ownership(run).claim()
        while not pathlib.Path(words['cured']).exists():
            time.sleep(0.02)
    write_outcome(spec, Outcome('', 'completed', None, ''))
    os._exit(0)
"""


def quick_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that train nothing and end as the `kind` of the faulty optimizer says, which is none, raise, exit, kill,
    wait (for a signal), hang (heeds none, and has a record), hold (the run in hand, until `cured` is there) or child
    (ends and leaves one, its number in `mark`). With a `mark` only if there is no such file, which gets the number."""
    site = folder / "quick"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", f"{site}:{ROOT}")
