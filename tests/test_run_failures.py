"""A run that fails: its rows, its reason in one line, and the same command once it is mended."""

import json
from pathlib import Path

import pytest
import torch

from tests.resuming import the_run
from tests.small_runs import OWN, SMALL, folder_with_own_parts, performed  # noqa: F401  a fixture of every test here too
from vgp_bench.cli import main
from vgp_bench.records.reading import read_run


# With monitor=off nothing but the error itself makes the loop read the losses of the steps before it.
@pytest.mark.parametrize("monitor", ["default", "off"])
def test_an_error_in_the_middle_keeps_rows_and_traceback(monitor: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("HOLD").write_text("")
    words = ["run", *OWN, *SMALL, f"monitor={monitor}"]
    words.remove("monitor.probe_images=16")
    assert main(words) == 1
    printed = capsys.readouterr()
    path = the_run()
    assert printed.out == ""
    assert printed.err == f"vgp-bench: the run failed: ArithmeticError: an own part (see {path})\n"
    run = read_run(path)
    assert (run.state, run.reason, run.summary) == ("failed", "ArithmeticError: an own part", None)
    assert run.rows("steps")["step"].tolist() == [0, 1, 2, 3, 4]
    traceback = (path / "traceback.txt").read_text()
    assert traceback.startswith("Traceback (most recent call last)")
    assert "own_parts.py" in traceback
    assert "with an own mind" in traceback

    Path("HOLD").unlink()  # mended
    assert main(words) == 0
    assert read_run(path).state == "completed"
    assert not (path / "traceback.txt").exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nGPU 0 has ..."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:130] . DefaultCPUAllocator: can't allocate memory\nand more"),
        MemoryError(),
    ],
    ids=["cuda", "cpu", "python"],
)
def test_a_step_for_which_memory_is_lacking_says_what_to_make_smaller(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    genuine = torch.nn.Linear.forward

    def forward(self: torch.nn.Linear, h: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():  # in training, that is
            raise error
        return genuine(self, h)

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    assert main(["run", *SMALL]) == 1
    advice = "out of memory; make trainer.batch_size or the architecture smaller"
    printed = capsys.readouterr()
    assert printed.err.startswith(f"vgp-bench: the run failed: {advice} ({type(error).__name__}")
    assert printed.err.count("\n") == 1
    run = read_run(the_run())
    assert run.state == "failed"
    assert run.reason.startswith(advice)


def test_an_error_in_building_is_recorded_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL, "activation=gelu", "activation.approximate=nonsense"]) == 1
    reason = "RuntimeError: approximate argument must be either none or tanh."
    assert capsys.readouterr().err == f"vgp-bench: the run failed: {reason} (see {the_run()})\n"
    run = read_run(the_run())
    assert (run.state, run.reason) == ("failed", reason)
    assert "activation.py" in (the_run() / "traceback.txt").read_text()


def test_a_refused_run_leaves_nothing() -> None:
    outcome = performed("initializer=delta_orthogonal")
    assert (outcome.state, outcome.path, outcome.summary) == ("refused", None, None)
    assert outcome.reason.startswith("initializer=delta_orthogonal: ")
    assert not Path("results").exists()


def test_a_disk_that_fills_up_is_named(small_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = performed("seed=1").path
    assert finished
    Path("HOLD").write_text(str(small_disk))
    assert main(["run", *OWN, *SMALL]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    (path,) = {status.parent for status in small_disk.rglob("status.json")} - {small_disk.parent / finished}
    where = path.relative_to(small_disk.parent)
    assert printed.err.startswith(f"vgp-bench: the run failed: disk full: cannot write {where}/")
    see = f"(see {where}); then the same command goes on"
    assert printed.err.endswith(f"; free some space or set results_dir to another disk {see}\n")
    assert read_run(finished).state == "completed"
    assert read_run(path).config["seed"] == 0
    assert json.loads((path / "environment.json").read_text())["device"]

    assert main(["run", *SMALL, "seed=2"]) == 1
    assert "disk full" in capsys.readouterr().err
    (small_disk / "ballast").unlink()
    assert main(["run", *OWN, *SMALL]) == 0
    assert read_run(path).state == "completed"
