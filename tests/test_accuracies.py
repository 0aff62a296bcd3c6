"""Real trainings that must reach what the literature and every tutorial reach. Minutes each: scripts/test_long."""

from pathlib import Path

import pytest

from tests.composing import compose
from tests.data_fixtures import real_data_dir, unpacked_cifar10_jpeg
from vgp_bench.records.summary import Summary
from vgp_bench.run import perform

pytestmark = [pytest.mark.slow, pytest.mark.data]


def trained(results: Path, *words: str) -> Summary:
    outcome = perform(compose(*words, results=results), ["test"], lambda total: lambda steps, loss: None)
    assert outcome.state == "completed", outcome.reason
    assert outcome.summary is not None
    return outcome.summary


def test_an_mlp_on_mnist_passes_97_5_percent(tmp_path: Path) -> None:
    assert trained(tmp_path, "experiment=mnist_mlp", f"data_dir={real_data_dir()}").test_accuracy > 0.975


def test_a_small_cnn_on_mnist_passes_99_percent(tmp_path: Path) -> None:
    assert trained(tmp_path, "experiment=mnist_cnn", f"data_dir={real_data_dir()}").test_accuracy > 0.99


def test_an_lstm_that_reads_mnist_row_by_row_passes_97_percent(tmp_path: Path) -> None:
    assert trained(tmp_path, "experiment=mnist_rows_lstm", f"data_dir={real_data_dir()}").test_accuracy > 0.97


def test_a_vit_of_four_blocks_passes_97_percent_on_mnist(tmp_path: Path) -> None:
    assert trained(tmp_path, "experiment=mnist_vit", f"data_dir={real_data_dir()}").test_accuracy > 0.97


def test_adding_is_solved_by_an_lstm_at_50_and_not_by_a_vanilla_network_at_200(tmp_path: Path) -> None:
    """Chance is 1/6 = .1667 (claims of Hochreiter & Schmidhuber 1997; Le et al. 2015)."""
    assert trained(tmp_path, "experiment=adding").test_loss < 0.01
    vanilla = trained(tmp_path, "experiment=adding", "architecture=rnn", "dataset.length=200")
    assert vanilla.test_loss == pytest.approx(1 / 6, rel=0.1)


def test_resnet_20_learns_cifar_10_within_two_epochs(tmp_path: Path) -> None:
    """JPEG-encoded CIFAR-10. Chance is 10 %; a linear classifier on pixels reaches about 40 %."""
    words = ["experiment=cifar10_resnet20", "trainer.max_epochs=2", "dataset=image_folder"]
    folder = unpacked_cifar10_jpeg()
    augmented = [f"dataset.folder={folder}", "dataset.crop_padding=4", "dataset.flip=true"]
    summary = trained(tmp_path, *words, *augmented, "dataset.validation_size=5000", f"data_dir={tmp_path}")
    assert summary.validation_accuracy > 0.4
    assert summary.train_loss < 1.8  # it began at ln 10 = 2.3
