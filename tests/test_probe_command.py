"""`vgp-bench probe` as it is typed: what it prints, draws, refuses, and that it writes nothing."""

import math
from pathlib import Path

import matplotlib.image
import pytest

from tests.composing import compose
from tests.drawn import legend_of, lines_of, notes_of
from vgp_bench.cli import main
from vgp_bench.probe.depths import at_depths, depth_text
from vgp_bench.probe.figures import decay_against_depth, reach_by_depth
from vgp_bench.probe.lines import percent
from vgp_bench.probe.measuring import measure
from vgp_bench.probe.tables import shortened

SMALL = ["architecture.width=16", "architecture.depth=15", "device=cpu"]

TINY = ["architecture.width=8", "architecture.heads=2", "device=cpu"]


@pytest.mark.parametrize(
    "words",
    [
        ["activation=sigmoid", *SMALL],
        ["normalizer=batch", "trainer.clip_norm=0.1", *SMALL],
        ["architecture=residual_mlp", "architecture.width=16", "architecture.depth=60", "device=cpu"],
        ["architecture=gru", "architecture.hidden=8", "dataset=copy_memory", "dataset.delay=30", "device=cpu"],
        ["architecture=rnn", "activation=tanh", "dataset=adding", "dataset.length=100", "device=cpu"],
        [*["architecture=transformer", "architecture.norm=post", "architecture.blocks=10"], *TINY, "images_as=rows"],
    ],
    ids=["sigmoid", "batch norm", "diverging", "gru", "rnn", "transformer"],
)
def test_it_fits_a_terminal_and_writes_nothing(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["probe", *words]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("forecast ") for line in lines) == 1
    assert "checklist: measured here [and what is commonly said]; ok, look into it, no" in lines
    assert list(tmp_path.iterdir()) == []


def test_options_may_stand_between_the_words_and_the_second_look_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "reach.png"
    assert main(["probe", *SMALL, "--steps", "12", "activation=tanh", "-o", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("mlp, tanh, he_normal, on digits, sgd, ")
    assert "\nat the start " in printed
    assert "\nafter 12 steps " in printed
    assert printed.endswith(f"{file}\n")
    assert matplotlib.image.imread(file).shape[2] == 4


def test_the_measured_decay_stands_beside_the_predicted_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *SMALL, "architecture.width=256"]) == 0
    assert "predicted 1.000 (sqrt chi_1, Schoenholz 2017)" in " ".join(capsys.readouterr().out.split())
    assert main(["probe", *SMALL, "normalizer=layer"]) == 0
    assert "no closed form: normalizer LayerNormalizer" in " ".join(capsys.readouterr().out.split())


def test_a_figure_has_a_line_for_each_moment() -> None:
    found = measure(compose(*SMALL), steps=12)
    figure = reach_by_depth([found.start.look, found.later])
    assert {line.get_label() for line in lines_of(figure)} == {"at the start", "after 12 steps"}
    assert all(len(line.get_xdata()) == 16 for line in lines_of(figure))


def test_depths_are_measured_beside_the_closed_form_and_refusals_are_named() -> None:
    composed = compose("activation=sigmoid", "architecture.width=128", "device=cpu")
    found, refused = at_depths(composed, [0, 4, 8])
    assert [one.depth for one in found] == [4, 8]
    assert len(refused) == 1
    assert refused[0].startswith("left out: depth=0: architecture.depth=0: ")
    for one in found:
        # Facts: .3178 a layer for sigmoid at He's initialization; first and last hidden layer are depth - 1 apart.
        assert one.predicted == pytest.approx(0.3178 ** (one.depth - 1), rel=1e-3)
    figure = decay_against_depth(found, "depth", refused)
    figure.draw_without_rendering()
    (points,), (line,) = lines_of(figure, "point"), lines_of(figure, "predicted")
    assert list(points.get_xdata()) == list(line.get_xdata()) == [4, 8]
    assert legend_of(figure) == ["measured", "predicted at infinite width"]
    assert notes_of(figure) == refused
    text = depth_text(found, refused, "depth")
    assert [row.split()[0] for row in text.splitlines()] == ["depth", "4", "8", "left"]


def test_a_depth_sweep_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["architecture=vit", "architecture.width=8", "architecture.heads=2", "device=cpu", "trainer.max_steps=12"]
    assert main(["probe", *words, "--depths", "2,1", "-o", str(tmp_path / "d.svg")]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[:3]] == ["blocks", "1", "2"]
    assert rows[3] == "no closed form: architecture ViT"
    assert (tmp_path / "d.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "few"], "--steps few: write whole numbers, say --steps 50"),
        (["--depths", "5,x"], "--depths x: write whole numbers, say --depths 5,10,20"),
        (["--depths", "5,0"], "--depths 5,0: whole numbers above 0 with commas between them, say 5,10,20"),
        (["--depths", "5", "--steps", "5"], "--steps and --depths: a sweep of depths is not trained"),
        (["-o", "a.txt"], "cannot draw a.txt: give a file name that ends in .png, .svg, .pdf"),
        (["activation=relux"], "activation=relux: no such activation."),
        (["activation=relu,tanh"], "activation=relu,tanh: "),
        (["architecture.depth=2", "--step", "5", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["architecture=alexnet", "--depths", "5"], "--depths: architecture=alexnet has a fixed depth"),
        (["architecture=resnet", "normalizer=batch", "--depths", "5,6"], "architecture.depth=6: must be 6n+2"),
        (["trainer.max_steps=0"], "this run has no step: set trainer.max_epochs and trainer.max_steps to 1 or more"),
        (["experiment=demo_mlp"], "these words compose "),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"vgp-bench: {message}")
    assert printed.err.count("\n") == 1


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["probe", "--help"])
    first = capsys.readouterr().out
    assert main(["probe", "activation=relu", "--help"]) == 0
    second = capsys.readouterr().out
    for printed in (first, second):
        assert "vgp-bench probe activation=tanh --depths 5,10,20,50,100 -o decay.png" in printed
        assert max(map(len, printed.splitlines())) <= 120


def test_configs_of_your_own_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "activation").mkdir()
    (tmp_path / "activation" / "mine.yaml").write_text("# Mine.\n_target_: torch.nn.CELU\n")
    assert main(["probe", "--config-dir", str(tmp_path), "activation=mine", *SMALL]) == 0
    assert "mlp, mine, he_normal" in capsys.readouterr().out


def test_without_a_gradient_there_is_no_decay_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *SMALL, "initializer=normal_01", "initializer.std=0"]) == 0
    assert "measured nothing, no gradient arrives;" in " ".join(capsys.readouterr().out.split())
    assert main(["probe", *SMALL, "architecture.depth=1"]) == 0
    assert "measured too few layers;" in " ".join(capsys.readouterr().out.split())


def test_names_too_long_for_their_column_keep_number_and_end() -> None:
    assert shortened("block_10_feed_forward", 25) == "block_10_feed_forward"
    assert shortened("decoder_block_10_feed_forward", 19) == "decoder_b.._forward"
    assert len(shortened("x" * 60, 25)) == 25


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0"), (1.0, "100"), (0.994, "99"), (0.004, "0.4"), (3e-12, "3e-10"), (math.nan, "-")]
)
def test_a_share_in_a_column_of_percent_is_one(share: float, words: str) -> None:
    assert percent(share) == words


def test_a_trial_that_diverges_teaches_no_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *SMALL, "initializer=normal_01", "architecture.depth=30"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("learning   ")]
    assert line.startswith("learning   no layer: the loss is ")


def test_a_sweep_of_depths_says_what_each_forgets(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["architecture=rnn", "activation=tanh", "initializer=pytorch_default", "architecture.hidden=8"]
    rest = ["dataset=adding", "dataset.length=60", "device=cpu", "optimizer.lr=0.1", "trainer.max_steps=200"]
    assert main(["probe", *words, *rest, "--depths", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith("  near past only")
    assert max(map(len, lines)) <= 80
