"""For all tests, before torch is imported anywhere."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

# One thread: tests are many and small, and threads of several workers would wait for each other. Programs that tests
# start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

LONG = (
    "test_cuda_devices",
    "test_launcher_local",
    "test_demo",
    "test_doctor",
    "test_run_stopped",
    "test_claims_files",
    "test_launcher_slurm",
    "test_plan",
    "test_score_diagnosis",
    "test_contributing",
    "test_soak",
    "test_claims_command",
    "test_faults",
    "test_checkpoint",
    "test_worker",
)
"""Files of half a minute or more: they come first, so that no worker is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which scripts/test hands out the files (--no-loadscope-reorder)."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(autouse=True)
def same_random_numbers_every_time():
    """What fails once fails again: a test that draws numbers draws the same ones in every run and every order."""
    import torch

    torch.manual_seed(0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB."""
    mount = tmp_path / "results"
    mount.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(mount)]
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)
