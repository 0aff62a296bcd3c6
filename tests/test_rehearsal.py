"""`--dry-run`: what a sweep would run, and for how long; nothing is written."""

import re
from pathlib import Path

import pytest

from tests.small_runs import OWN, SMALL, folder_with_own_parts  # noqa: F401  a fixture of every test here too
from tests.swept_runs import TINY, Swept, path_of, pretend, sweeping
from vgp_bench.composition import compose
from vgp_bench.rehearsal import rehearse


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Swept:
    return sweeping(capsys)


def test_for_a_device_that_is_elsewhere_there_is_no_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    text = rehearse(compose([*(w for w in TINY if w != "device=cpu"), "launcher=slurm", "device=cuda", "seed=1"]))
    assert text.endswith("\nNo estimate: the runs are for device=cuda, which this machine has not")


def test_for_processes_side_by_side_the_estimate_says_how_many_and_what_is_not_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vgp_bench.rehearsal.seconds_of_run", lambda config: 10.0 if config["seed"] < 9 else 25.0)

    def estimate(*words: str) -> str:
        return rehearse(compose([*TINY, "-m", *words])).splitlines()[-1]

    not_in = "not included: a few seconds to start the process of each"
    assert estimate("seed=0,1,2,3", "launcher=local", "jobs=2") == (
        f"Estimated time, 2 at once on this machine: 20 s (from a few steps of one run; {not_in})"
    )
    assert estimate("seed=0,1", "launcher=local", "jobs=8").startswith(
        "Estimated time, 2 at once on this machine: 10 s"
    )
    assert estimate("seed=0,1,2,3").startswith("Estimated time, one after the other on this machine: 40 s (from a few")
    assert estimate("seed=0,1,2,3", "launcher=slurm", "jobs=4") == (
        "Estimated time, 4 at once each as fast as here: 10 s (from a few steps of one run; "
        f"{not_in} and waiting for a place)"
    )
    # No sooner than the longest: three kinds of run, the last of 25 s
    words = ["architecture.depth=2,3", "launcher=local", "jobs=3", "seed=0"]
    monkeypatch.setattr(
        "vgp_bench.rehearsal.seconds_of_run", lambda config: 25.0 if config["architecture"]["depth"] == 3 else 1.0
    )
    assert estimate(*words).startswith("Estimated time, 2 at once on this machine: 25 s")


def test_a_dry_run_shows_what_is_there_and_writes_nothing(swept: Swept) -> None:
    swept("seed=0,1,2")
    pretend(path_of(1), "failed")
    pretend(path_of(2), "interrupted")
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    code, out, err = swept("seed=0,1,2,3,3", "--dry-run")
    assert (code, err) == (0, [])
    rows = [re.split(r"  +", line) for line in out[:5]]
    assert [row[1:] for row in rows] == [
        ["finished", "seed=0"],
        ["retry (failed)", "seed=1"],
        ["resume", "seed=2"],
        ["new", "seed=3"],
        ["the same", "seed=3"],
    ]
    assert [row[0] for row in rows[:3]] == [path_of(seed).name for seed in range(3)]
    assert rows[4][0] == rows[3][0]
    assert out[5] == "4 runs: 3 to run, 1 not; 1 more the same as another one"
    assert re.fullmatch(
        r"Estimated time, one after the other on this machine: \d+ (s|min) \(from a few steps of one run\)", out[6]
    )
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_the_estimate_grows_with_the_steps(swept: Swept) -> None:
    from vgp_bench.rehearsal import seconds_of_run

    def estimate(epochs: int) -> float:
        words = [word for word in TINY if not word.startswith("trainer.max")]
        return seconds_of_run(compose([*words, f"trainer.max_epochs={epochs}"])[0].config)

    estimate(1)  # imports
    # 4 steps an epoch; ten thousand epochs take a thousand times as long as ten, give or take a slow machine.
    assert estimate(10_000) > 50 * estimate(10)


def test_a_dry_run_says_which_run_would_be_refused(swept: Swept) -> None:
    code, out, _ = swept("initializer=delta_orthogonal", "seed=0,1", "--dry-run")
    assert code == 0
    assert out[-1].startswith(
        "No estimate: seed=0 would be refused: initializer=delta_orthogonal: the architecture has"
    )
