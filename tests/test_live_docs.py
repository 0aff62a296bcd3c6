"""docs/your_own_network.md does what it says: its scripts are written to disk as printed and run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/your_own_network.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([\w./]+\.\w+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPTS = dict(FILE.findall(GUIDE))


def printed(name: str, folder: Path) -> str:
    (folder / name).write_text(SCRIPTS[name], encoding="utf-8")
    done = subprocess.run([sys.executable, name], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_block_of_python_is_a_script_that_runs_here() -> None:
    assert set(SCRIPTS) == {"plain_loop.py", "lightning_loop.py"}
    assert GUIDE.count("```python") == len(SCRIPTS)


def test_the_scripts_are_short() -> None:
    for script in SCRIPTS.values():
        assert sum(bool(line.strip()) for line in script.splitlines()) <= 20


def test_the_plain_loop_finds_that_its_signal_vanishes(tmp_path: Path) -> None:
    report = printed("plain_loop.py", tmp_path)
    assert re.search(r"^verdict +vanishing \(depth\)", report, re.MULTILINE)
    assert len(re.findall(r"^Linear \d+ ", report, re.MULTILINE)) == 17


def test_the_lightning_loop_is_healthy(tmp_path: Path) -> None:
    pytest.importorskip("lightning", reason="Lightning is not installed")
    report = printed("lightning_loop.py", tmp_path)
    assert re.search(r"^verdict +healthy", report, re.MULTILINE)
    assert len(re.findall(r"^net\.\d+ ", report, re.MULTILINE)) == 6


def test_the_cadence_of_the_guide_is_the_default() -> None:
    import inspect

    from vgp_bench.live.monitor import Monitor
    from vgp_bench.live.recently_dead import ENOUGH, FEWEST

    defaults = {name: p.default for name, p in inspect.signature(Monitor).parameters.items()}
    words = ", ".join(f"{name}={defaults[name]}" for name in ("dense_steps", "every", "overhead"))
    assert f"Monitor(model, optimizer, {words})" in GUIDE
    assert f"{ENOUGH} inputs together; below {FEWEST} inputs" in " ".join(GUIDE.split())
