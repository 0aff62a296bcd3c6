"""A short soak; scripts/soak is the long one."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_runs_killed_at_random_instants_end_with_the_bits_of_those_that_never_were(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "6"]  # one of each kind
    paths = os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    end = re.search(r"^6 runs, (\d+) kills, 0 faults, ", done.stdout, re.MULTILINE)
    assert end, done.stdout
    assert int(end[1]) >= 12
    assert not list(tmp_path.glob("vgp-soak*")), "nothing is left behind"
