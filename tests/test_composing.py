"""The tests compose by a shorter way than the command line: to the same runs."""

from pathlib import Path

import pytest

from tests.composing import compose
from vgp_bench import composition

WORDS = [
    (),
    ("architecture=resnet", "architecture.depth=14", "normalizer=batch", "dataset=cifar10", "data_dir=somewhere"),
    ("architecture=lstm", "dataset=adding", "dataset.length=20", "+optimizer.dampening=0.5", "seed=3"),
    ("architecture=mlp", "~optimizer.weight_decay"),
    ("experiment=adding",),
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_words_compose_to_what_the_command_line_runs(words: tuple[str, ...], tmp_path: Path) -> None:
    (run,) = composition.compose([*words, f"results_dir={tmp_path}"])
    assert compose(*words, results=tmp_path) == run


def test_a_run_that_somebody_changed_is_composed_as_it_was() -> None:
    compose("seed=3").config["optimizer"]["lr"] = -1
    assert compose("seed=3").config["optimizer"]["lr"] > 0


def test_the_environment_counts_and_not_only_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("/one", "/another"):
        monkeypatch.setenv("VGP_DATA_DIR", folder)
        assert compose("seed=3").config["data_dir"] == folder
