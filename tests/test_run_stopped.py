"""A run that is stopped, killed, or in the hands of another process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.resuming import the_run
from tests.small_runs import EPOCHS, OWN, SMALL, STEPS_PER_EPOCH, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from vgp_bench.cli import main
from vgp_bench.records.reading import read_run

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("how", "monitor"), [(signal.SIGINT, "default"), (signal.SIGINT, "off"), (signal.SIGKILL, "default")]
)
def test_a_run_that_is_stopped_is_readable_and_the_same_command_completes_it(how: signal.Signals, monitor: str) -> None:
    words = ["run", *OWN, *SMALL, f"monitor={monitor}"]
    words.remove("monitor.probe_images=16")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    Path("HOLD").write_text("wait")
    command = [sys.executable, "-m", "vgp_bench", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "held\n"  # in the middle of step 5
        assert read_run(the_run()).state == "running"
        process.send_signal(how)
        if how != signal.SIGKILL:
            time.sleep(0.1)
            Path("HOLD").unlink()  # the present step may end
        out, err = process.communicate(timeout=60)
    run = read_run(the_run())
    assert run.state == ("lost" if how == signal.SIGKILL else "interrupted")
    assert yaml.safe_load((the_run() / "config.yaml").read_text()) == run.config
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert out == "stopped in the run: the same command goes on from there\n"
        assert err.splitlines() == ["1 run, loading torch ...", "vgp-bench: interrupted"]
        assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4, 5]
        assert run.reason == "stopped from the keyboard"

    Path("HOLD").unlink(missing_ok=True)
    assert main(words) == 0
    run = read_run(the_run())
    assert run.state == "completed"
    assert run.rows("steps")["step"].tolist() == list(range(EPOCHS * STEPS_PER_EPOCH))


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of each file; its owner touches one of them all the time."""
    files = {file.name: file for file in folder.iterdir()}
    return {
        name: (file.read_bytes(), 0 if name.startswith("owner") else file.stat().st_mtime_ns)
        for name, file in files.items()
    }


def test_a_run_that_another_process_has_in_hand_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", *OWN, *SMALL]
    Path("HOLD").write_text("wait")
    command = [sys.executable, "-m", "vgp_bench", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            path = the_run()
            before = contents(path)
            monkeypatch.setenv("INCIDENT_AT", "-1")  # nothing would hold this one
            assert main(words) == 2
            printed = capsys.readouterr()
            reason = f"another process is running it: {path}; wait for it, or stop it"
            assert (printed.out, printed.err) == ("", f"vgp-bench: {reason}\n")
            assert contents(path) == before
        finally:
            Path("HOLD").unlink()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert read_run(path).state == "completed"


def test_a_kill_costs_no_more_than_the_rows_since_the_last_flush() -> None:
    Path("HOLD").write_text("wait")
    command = [sys.executable, "-m", "vgp_bench", "run", *OWN, *SMALL, "checkpoint_steps=1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"  # in the middle of step 5
        process.kill()
    run = read_run(the_run())
    assert run.state == "lost"
    assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4]
    assert sorted(set(run.rows("layers")["step"])) == [0, 1, 2, 3, 4]
