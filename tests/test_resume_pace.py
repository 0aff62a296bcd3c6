"""How often a run keeps its state."""

from pathlib import Path
from typing import Any

import pytest

from tests.resuming import MLP, performed
from vgp_bench.errors import ConfigError
from vgp_bench.records.pace import Pace
from vgp_bench.training import keeper


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("checkpoint_seconds=-1", "checkpoint_seconds=-1.0: must be 0 or more"),
        ("checkpoint_steps=0", "checkpoint_steps=0: must be 1 or more, or null for none by steps"),
    ],
)
def test_impossible_paces(word: str, message: str) -> None:
    outcome = performed(*MLP, word)
    assert outcome
    assert (outcome.state, outcome.reason) == ("refused", message)
    assert not Path("results").exists()
    with pytest.raises(ConfigError):
        Pace(-1, None)


def test_checkpoints_take_at_most_a_twentieth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 0.0
    monkeypatch.setattr(keeper.time, "monotonic", lambda: clock)

    class Disk:
        def save(self, *of: Any) -> None:
            nonlocal clock
            clock += 3.0

    class Store:
        checkpoints = Disk()

        def flush(self) -> None: ...

        def counts(self) -> dict[str, int]:
            return {}

    class Nothing:
        done, number = 0, None

        def read(self) -> float:
            return 0.0

    monkeypatch.setattr(keeper, "state_of", lambda loop: b"")
    it = keeper.RunKeeper(Nothing(), Store(), Nothing(), Nothing(), Pace(10.0, 100))  # type: ignore[arg-type]
    clock = 9.9
    assert not it.is_due(1)
    assert it.is_due(200), "by steps, whatever the time"
    clock = 10.1
    assert it.is_due(1)
    it.keep()
    clock += 59
    assert not it.is_due(1), "it took 3 s: the next one after a minute"
    clock += 1.1
    assert it.is_due(1)
