"""Short sweeps with faults, through the command line; scripts/faults is the long one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"\| (inline|local) \| (.+?) \| (\d+) \| (\d+) \| (.+?) \| (\d+) \| (\d+) \|")
PATHS = os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])


def faults(folder: Path, *words: str) -> dict[str, tuple[str, ...]]:
    """Kind of fault -> (runs, ended well, ended otherwise, run again, well in the end), if nothing was amiss."""
    command = [sys.executable, "-m", "benchmarks.faults", *words]
    environment = {**os.environ, "PYTHONPATH": PATHS, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" runs, 0 problems\n")
    assert not list(folder.glob("vgp-faults*")), "nothing is left behind"
    return {match[2]: match.groups()[2:] for match in map(TABLE.fullmatch, done.stdout.splitlines()) if match}


def test_in_one_process_a_disk_that_fills_and_what_raises_or_diverges_harm_no_other_run(tmp_path: Path) -> None:
    ask = [sys.executable, "-c", "from benchmarks.small_disk import why_not; print(why_not())"]
    asked = subprocess.run(ask, env={**os.environ, "PYTHONPATH": PATHS}, capture_output=True, text=True, check=True)
    if reason := asked.stdout.strip():
        pytest.skip(f"no small disk here: {reason}")
    found = faults(tmp_path, "20", "--launcher", "inline")
    assert found["none"] == ("14", "14", "0", "0", "14")
    assert found["raises"] == ("1", "0", "1 failed", "1", "1")
    assert found["NaN"] == ("1", "1", "0", "0", "1")
    runs, well, otherwise, again, in_the_end = found["small disk"]
    assert (runs, in_the_end) == ("4", "4")
    assert 0 < int(well) < 4
    assert int(again) == 4 - int(well) == sum(map(int, re.findall(r"\d+", otherwise)))


@pytest.mark.slow
def test_in_processes_what_dies_harms_no_other_run(tmp_path: Path) -> None:
    found = faults(tmp_path, "5", "--launcher", "local", "--faults", "os._exit", "SIGKILL", "SIGKILL, once")
    assert found == {
        "none": ("2", "2", "0", "0", "2"),
        "os._exit": ("1", "0", "1 lost", "1", "1"),
        "SIGKILL": ("1", "0", "1 lost", "1", "1"),
        "SIGKILL, once": ("1", "1", "0", "0", "1"),
    }
