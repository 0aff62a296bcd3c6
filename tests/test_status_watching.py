"""`vgp-bench status --watch`: drawn anew until nothing is under way, on a real terminal too."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.made_runs import mlp_config, step_rows
from tests.made_sweeps import RESULTS, made, shown, sweep_of
from vgp_bench.cli import main
from vgp_bench.commands import status as status_command
from vgp_bench.records.identity import run_id
from vgp_bench.records.store import RunStore, run_path

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_watching_ends_when_nothing_is_under_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(0, "running", host=socket.gethostname(), pid=os.getpid())
    looks = 0

    def wait(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert looks <= 2, "nothing is under way any more"
        if looks == 2:
            status = json.loads((path / "status.json").read_text())
            (path / "status.json").write_text(json.dumps(status | {"state": "completed"}))

    monkeypatch.setattr(status_command.time, "sleep", wait)
    lines = shown(capsys, "results", "--watch")
    assert looks == 2
    assert [line for line in lines if line.startswith("1 run:")] == ["1 run: 1 running"] * 2 + ["1 run: 1 completed"]


def test_ctrl_c_ends_watching_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sweep_of(range(1))

    def wait(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(status_command.time, "sleep", wait)
    assert main(["status", "results", "--watch"]) == 0
    assert capsys.readouterr().err == ""


class Watching:
    """`vgp-bench status results --watch` on a terminal of its own, 80 columns by 24 rows."""

    def __init__(self) -> None:
        variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        words = [sys.executable, "-m", "vgp_bench", "status", "results", "--watch"]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored below a `command &`
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execve(words[0], words, {**variables, "PYTHONPATH": str(ROOT)})
        self.text = ""

    def read(self) -> bool:
        """What came within a tenth of a second; False once the terminal is closed."""
        try:
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.text += os.read(self.terminal, 65536).decode()
            return True
        except OSError:  # this is how Linux tells that nobody is at the other end
            return False

    def until(self, words: str) -> str:
        """The screen on which these words first stand."""
        end = time.monotonic() + 60
        while words not in self.text:
            assert self.read(), self.text
            assert time.monotonic() < end, self.text
        return next(screen for screen in self.screens() if words in screen)

    def screens(self) -> list[str]:
        """What was shown, each from an empty screen on."""
        return self.text.split("\x1b[H\x1b[2J")[1:]

    def end(self) -> int:
        """Its exit code, once it has left."""
        while self.read():
            pass
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_on_a_terminal_it_is_drawn_anew_as_a_run_proceeds_until_ctrl_c() -> None:
    for seed in range(30):
        made(seed, "failed", reason=f"a long word {seed % 2}" * 20)
    store = RunStore(run_path(RESULTS, "made", run_id(mlp_config(seed=77))))
    store.begin(mlp_config(seed=77, trainer={"max_epochs": 7}), {}, {})

    def steps(count: int) -> None:
        for row in step_rows([1.0] * count):
            store.append(row)
        store.flush()

    steps(30)
    watching = Watching()
    try:
        assert store.path.name in watching.until("step 30, epoch 1 of 7")
        steps(10)
        assert "step 30" not in watching.until("step 40, epoch 1 of 7")
        os.write(watching.terminal, b"\x03")  # Ctrl-C
        assert watching.end() == 0
    finally:
        store.finish("completed")
    assert "Traceback" not in watching.text
    assert watching.text.endswith("^C\r\n")
    assert len(watching.screens()) >= 2
    for screen in watching.screens():
        lines = screen.replace("^C", "").split("\r\n")
        assert lines[0] == "31 runs: 30 failed, 1 running"
        assert max(map(len, lines)) <= 80
        assert len(lines) <= 24


def test_on_a_terminal_the_end_stands_there_whole() -> None:
    path = made(0, "running", host=socket.gethostname(), pid=os.getpid())
    for seed in range(1, 41):
        made(seed, "failed", reason="once")
    watching = Watching()
    watching.until("1 running")
    (path / "status.json").write_text((path / "status.json").read_text().replace('"running"', '"completed"'))
    assert watching.end() == 0
    last = watching.screens()[-1].split("\r\n")
    assert last[0] == "41 runs: 1 completed, 40 failed"
    assert sum(line.startswith("  ") for line in last) == 40
