"""Help for tests of sweeps: small ones without a monitor, what they print, and other states put into their folders."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_runs import SMALL
from vgp_bench.cli import main
from vgp_bench.records.files import write_atomically
from vgp_bench.records.reading import find_runs

TINY = [*(word for word in SMALL if "monitor" not in word), "monitor=off", "device=cpu", "trainer.max_steps=2"]
Lines = tuple[int, list[str], list[str]]
Swept = Callable[..., Lines]
GONE = 2**22 + 1
"""No process has this number: above the largest that Linux gives by default."""


def sweeping(capsys: pytest.CaptureFixture[str]) -> Swept:
    """What runs a sweep of tiny runs with further words; gives exit code, lines on stdout, lines on stderr."""

    def sweep(*words: str) -> Lines:
        code = main(["run", "-m", *words, *TINY])
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err.splitlines()

    return sweep


def path_of(seed: int) -> Path:
    (found,) = [run.path for run in find_runs(["results"]) if run.seed == seed]
    return found


def pretend(path: Path, state: str, **fields: object) -> None:
    """Writes another state into a run's folder."""
    status = json.loads((path / "status.json").read_text())
    write_atomically(path / "status.json", json.dumps(status | {"state": state, **fields}).encode())


def labels(lines: list[str]) -> list[str]:
    """What ran, by the lines that tell of it."""
    return [match[1] for line in lines if (match := re.match(r"\[ *\d+/\d+\] done +(\S+(?: \S+)*)  ", line))]
