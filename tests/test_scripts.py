"""The shell scripts: one clear line where the machine lacks something, and a .venv that is whole or made anew.

A stand-in for Python makes environments without installing anything, so that every way they break can be tried.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHELL_SCRIPTS = sorted(
    path
    for folder in ("scripts", ".ci")
    for path in (ROOT / folder).glob("*")
    if path.is_file() and (path.suffix == ".sh" or path.read_bytes().startswith(b"#!/usr/bin/env bash"))
)

# Really Python, but with another version or a module missing.
ALTERED_PYTHON = """\
#!/bin/sh
case "$1" in
--version) echo "Python {version}" ;;
-c) exec "{real}" -c "import sys; {change}; exec(sys.argv[1])" "$2" ;;
*) echo "the fake python was asked for $*"; exit 99 ;;
esac
"""

# A copy of itself is the environment's Python; `pip` writes down what it was asked for and does what $FAKE_PIP says.
MAKING_PYTHON = """\
#!/bin/bash
here=$(dirname "${BASH_SOURCE[0]}")
case "$1 $2" in
"-c "*) exit 0 ;;
"-m venv")
    echo "venv $3" >>"$FAKE_LOG"
    [ "${FAKE_VENV:-}" != killed ] || kill -9 "$PPID"
    mkdir -p "$3/bin" && cp "${BASH_SOURCE[0]}" "$3/bin/python" ;;
"-m pip")
    echo "pip ${@: -1} in $(cd "$here" && pwd -P)" >>"$FAKE_LOG"
    case "${FAKE_PIP:-}" in
    fails) echo "no network" >&2; exit 1 ;;
    killed) kill -9 "$PPID" ;;
    waits) touch "$here/waiting"; sleep 30 ;;
    esac ;;
*) echo "ran $*" >>"$FAKE_LOG" ;;
esac
"""


@pytest.fixture(params=["checkout", "a check out"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the scripts; nothing of this checkout is touched."""
    copy: Path = tmp_path / request.param
    shutil.copytree(ROOT / "scripts", copy / "scripts")
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def environment(**variables: object) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHON", "BASH_ENV")}
    return kept | {key: str(value) for key, value in variables.items()}


def run(script: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(script)], env=dict(variables), capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("path", SHELL_SCRIPTS, ids=lambda path: path.name)
def test_every_script_parses(path: Path) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_the_scripts_are_found_and_can_be_run() -> None:
    assert {path.name for path in SHELL_SCRIPTS} >= {"demo", "test", "environment.sh", "run"}
    assert all(os.access(path, os.X_OK) for path in SHELL_SCRIPTS if path.suffix != ".sh")


@pytest.mark.parametrize("script", ["demo", "test"])
@pytest.mark.parametrize("named", [True, False], ids=["PYTHON=...", "python3 on PATH"])
@pytest.mark.parametrize(
    ("version", "change", "message"),
    [
        ("3.9.18", "sys.version_info = (3, 9, 18, 'final', 0)", r"Python 3\.9\.18, too old: 3\.11 or newer is needed"),
        ("3.12.1", "sys.modules['ensurepip'] = None", r"has no venv module: install it \(Debian.*python3-venv"),
        ("", "sys.exit('broken')", r"does not run: install Python 3\.11 or newer"),
    ],
    ids=["too old", "no venv", "broken"],
)
def test_a_python_that_will_not_do(
    checkout: Path, tmp_path: Path, script: str, named: bool, version: str, change: str, message: str
) -> None:
    text = ALTERED_PYTHON.format(version=version, change=change, real=sys.executable)
    fake = executable(tmp_path / "bin" / "python3", text)
    variables = environment(PYTHON=fake) if named else environment(PATH=f"{fake.parent}:{os.environ['PATH']}")
    done = run(checkout / "scripts" / script, variables)
    assert done.returncode != 0
    assert done.stdout == ""
    assert re.fullmatch(rf"vgp_bench: .*{message}.*\n", done.stderr)
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("script", ["demo", "test"])
def test_no_python_at_all(checkout: Path, script: str) -> None:
    done = run(checkout / "scripts" / script, environment(PYTHON="/nowhere/python3"))
    assert done.returncode != 0
    assert re.fullmatch(r"vgp_bench: no /nowhere/python3 on this machine: .*\n", done.stderr)
    assert not (checkout / ".venv").exists()


class Machine:
    """A checkout, the stand-in for Python, and what it was asked to do since the last look."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout = checkout
        self.log = folder / "log"
        self.python = executable(folder / "bin" / "python3", MAKING_PYTHON)

    def variables(self, **variables: str) -> dict[str, str]:
        return environment(**{"PYTHON": self.python, "FAKE_LOG": self.log, **variables})

    def ensure(self, extra: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        script = f"set -euo pipefail; . scripts/environment.sh; ensure_environment {extra}; command -v python"
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.checkout,
            env=self.variables(**variables),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def asked(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    @property
    def venv(self) -> Path:
        return self.checkout / ".venv"

    def made(self, what: str = ".") -> list[str]:
        return ["venv .venv", self.installed(what)]

    def installed(self, what: str = ".") -> str:
        return f"pip {what} in {self.venv.resolve() / 'bin'}"


@pytest.fixture
def machine(checkout: Path, tmp_path: Path) -> Machine:
    return Machine(checkout, tmp_path)


def test_it_is_made_once_and_put_on_the_path(machine: Machine) -> None:
    first = machine.ensure()
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == str(machine.venv / "bin/python")
    assert machine.asked() == machine.made()
    second = machine.ensure(PYTHON="/nowhere/python3")  # what is there needs no other Python
    assert (second.returncode, second.stderr) == (0, "")
    assert machine.asked() == []


def test_the_development_one_serves_the_demo_and_not_the_other_way_round(machine: Machine) -> None:
    machine.ensure()
    machine.asked()
    machine.ensure("dev")
    assert machine.asked() == [machine.installed(".[dev]")]
    machine.ensure()
    machine.ensure("dev")
    assert machine.asked() == []


def test_a_changed_pyproject_is_installed_anew_also_when_changed_back(machine: Machine) -> None:
    pyproject = machine.checkout / "pyproject.toml"
    before = pyproject.read_text()
    machine.ensure()
    pyproject.write_text(before + "\n# another dependency\n")
    machine.asked()
    for text in (pyproject.read_text(), before):
        pyproject.write_text(text)
        assert machine.ensure().returncode == 0
        assert machine.asked() == [machine.installed()]


def test_a_failed_installation_is_said_and_tried_again_in_the_same_environment(machine: Machine) -> None:
    failed = machine.ensure(FAKE_PIP="fails")
    assert failed.returncode == 1
    assert "no network\nvgp_bench: the installation failed" in failed.stderr
    machine.asked()
    assert machine.ensure().returncode == 0
    assert machine.asked() == [machine.installed()]


@pytest.mark.parametrize("moment", ["FAKE_VENV", "FAKE_PIP"])
def test_one_that_was_killed_half_way_is_made_anew(machine: Machine, moment: str) -> None:
    assert machine.ensure(**{moment: "killed"}).returncode == -signal.SIGKILL
    machine.asked()
    (machine.venv / "half a package").touch()
    again = machine.ensure()
    assert again.returncode == 0
    assert "making it anew" in again.stderr
    assert machine.asked() == machine.made()
    assert not (machine.venv / "half a package").exists()


def test_one_that_another_script_is_making_is_left_alone(machine: Machine) -> None:
    words = ["bash", "-c", ". scripts/environment.sh; ensure_environment"]
    other = subprocess.Popen(
        words,
        cwd=machine.checkout,
        env=machine.variables(FAKE_PIP="waits"),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 30
        while not (machine.venv / "bin/waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        second = machine.ensure()
        assert second.returncode == 1
        message = rf"vgp_bench: process {other.pid} is installing into .*: wait until it is done\n"
        assert re.fullmatch(message, second.stderr)
        assert (machine.venv / "bin/python").exists()
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.wait()


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_in_a_checkout_that_was_moved_or_copied_it_is_made_anew(machine: Machine, tmp_path: Path, how: str) -> None:
    machine.ensure("dev")
    machine.asked()
    elsewhere = tmp_path / "else where"
    if how == "moved":
        machine.checkout.rename(elsewhere)
    else:
        shutil.copytree(machine.checkout, elsewhere, symlinks=True)
    machine.checkout = elsewhere
    again = machine.ensure()
    assert again.returncode == 0
    assert again.stdout.strip() == str(elsewhere / ".venv/bin/python")
    assert machine.asked() == machine.made()


def test_one_whose_python_was_removed_from_the_machine_is_made_anew(machine: Machine) -> None:
    machine.ensure()
    machine.asked()
    (machine.venv / "bin/python").unlink()
    (machine.venv / "bin/python").symlink_to("/nowhere/python3")
    assert machine.ensure().returncode == 0
    assert machine.asked() == machine.made()


def test_an_environment_of_the_users_own_is_installed_into_and_never_removed(machine: Machine) -> None:
    own = executable(machine.venv / "bin/python", MAKING_PYTHON)
    assert machine.ensure(FAKE_PIP="killed").returncode == -signal.SIGKILL
    assert machine.ensure().returncode == 0
    assert machine.asked() == [machine.installed()] * 2
    executable(own, "#!/bin/sh\nexit 1\n")
    (machine.checkout / "pyproject.toml").write_text("# changed")
    refused = machine.ensure()
    assert refused.returncode == 1
    message = r"vgp_bench: .*\.venv has no working Python 3\.11 or newer with pip: remove it .*\n"
    assert re.fullmatch(message, refused.stderr)
    assert own.exists()
