"""Help for tests of whole runs: small ones, in a working directory with an optimizer to which something happens."""

from pathlib import Path

import pytest

from tests import own_parts
from tests.composing import compose
from vgp_bench.run import Outcome, perform

EPOCHS, STEPS_PER_EPOCH = 3, 4
SMALL = [
    "architecture.depth=2",
    "architecture.width=8",
    "dataset.train_size=64",
    "dataset.validation_size=32",
    "dataset.test_size=32",
    "trainer.batch_size=16",
    f"trainer.max_epochs={EPOCHS}",
    "monitor.probe_images=16",
]
OWN = ["--config-dir", "mine", "optimizer=incident"]


@pytest.fixture(autouse=True)
def folder_with_own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a config folder `mine`, in which something happens at step 5, if HOLD exists."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "optimizer").mkdir(parents=True)
    text = "_target_: tests.own_parts.Incident\nlr: 0.05\n"
    (tmp_path / "mine" / "optimizer" / "incident.yaml").write_text(text)
    monkeypatch.setenv("HOLD", str(tmp_path / "HOLD"))
    monkeypatch.setenv("INCIDENT_AT", "5")
    monkeypatch.setattr(own_parts, "steps_in_this_process", 0)


def performed(*words: str, results: str = "results") -> Outcome:
    return perform(
        compose(*SMALL, *words, results=results), ["vgp-bench", "run", "..."], lambda n: lambda s, loss: None
    )
