"""scripts/demo as the README has it: the story it tells must come out of the numbers."""

import os
import subprocess
from pathlib import Path

import matplotlib.image
import pytest

from vgp_bench.records.reading import RunRecord, find_runs

ROOT = Path(__file__).parents[1]


def accuracy(runs: list[RunRecord], architecture: str, depth: int, activation: str, normalizer: str = "none") -> float:
    wanted = {"architecture": architecture, "activation": activation, "normalizer": normalizer}
    (run,) = (r for r in runs if wanted.items() <= r.choices.items() and r.config["architecture"]["depth"] == depth)
    assert run.summary is not None
    return run.summary.test_accuracy


def demo(results: Path, **variables: str) -> str:
    """What the script prints."""
    command = [ROOT / "scripts" / "demo", results]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_the_story(results: Path, printed: str) -> None:
    runs = find_runs([results])
    assert len(runs) == 24
    # Chance is 10 %. The facts ask 15 % of a deep sigmoid net and 75 % of a cured one.
    assert accuracy(runs, "mlp", 20, "sigmoid") < 0.15
    assert accuracy(runs, "plain_cnn", 32, "sigmoid") < 0.15
    assert accuracy(runs, "mlp", 2, "sigmoid") > 0.75  # depth is what kills
    assert accuracy(runs, "mlp", 20, "relu") > 0.75
    assert accuracy(runs, "mlp", 20, "sigmoid", "batch") > 0.75
    assert accuracy(runs, "residual_mlp", 20, "sigmoid") > 0.75
    assert accuracy(runs, "resnet_preact", 32, "relu") > 0.75
    (dead,) = (r for r in runs if r.summary and r.summary.initial_gradient_ratio < 1e-12)
    assert dead.choices["architecture"] == "plain_cnn"
    # The end of what it prints: table, figure, the next three commands.
    table, _, rest = printed.partition("Gradient norm against depth")
    assert (
        sum(line.startswith(("mlp ", "residual_mlp ", "plain_cnn ", "resnet_preact ")) for line in table.splitlines())
        == 24
    )
    picture = rest.splitlines()[0].rpartition(" ")[2]
    assert matplotlib.image.imread(picture).shape[1] > 1000
    assert sum(line.startswith("  vgp-bench ") for line in rest.splitlines()) == 3


def test_the_demo_shows_where_the_gradient_dies_and_what_cures_it_in_three_epochs(tmp_path: Path) -> None:
    """The script as it is, its runs shorter and seldom measured: bash reads a function of the command's name before."""
    short = "trainer.max_epochs=3 monitor.dense_steps=1 monitor.every=1000"
    (tmp_path / "shorter.sh").write_text(
        f'vgp-bench() {{ if [ "$1" = run ]; then set -- "$@" {short}; fi; command vgp-bench "$@"; }}\n'
    )
    results = tmp_path / "results"
    check_the_story(results, demo(results, BASH_ENV=str(tmp_path / "shorter.sh")))
    assert {run.config["trainer"]["max_epochs"] for run in find_runs([results])} == {3}


@pytest.mark.slow
def test_the_demo_shows_where_the_gradient_dies_and_what_cures_it(tmp_path: Path) -> None:
    check_the_story(tmp_path, demo(tmp_path))
    assert accuracy(find_runs([tmp_path]), "mlp", 2, "sigmoid") > 0.9


@pytest.mark.parametrize("script", ["demo", "test"])
def test_the_readme_names_the_two_commands_on_its_first_screen(script: str) -> None:
    first_screen = (ROOT / "README.md").read_text().splitlines()[:30]
    assert any(line.startswith(f"scripts/{script} ") for line in first_screen)
