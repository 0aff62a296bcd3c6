"""`vgp-bench diagnose-model`: a verdict on a network of one's own, and every mistake in one line."""

import re
import sys
from pathlib import Path

import pytest

from vgp_bench.cli import main

PARTS = """
import torch
from torch import nn

def layers(activation, first=6):
    inside = [m for _ in range(12) for m in (nn.Linear(16, 16), activation())]
    return nn.Sequential(nn.Linear(first, 16), activation(), *inside, nn.Linear(16, 3))

def sigmoid(): return layers(nn.Sigmoid)
def skipping():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(16, 16)
        def forward(self, x): return x + 0.3 * torch.relu(self.a(x))
    return nn.Sequential(nn.Linear(6, 16), *(Block() for _ in range(6)), nn.Linear(16, 3))
def wide(): return layers(nn.ReLU, first=7)
def a_list(): return []
def broken(): raise ValueError("two\\nlines")
class Talker(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(6, 3)
    def forward(self, x): return {"logits": self.a(x)}
number = 3

def batches():
    torch.manual_seed(0)
    x = torch.randn(320, 6)
    return list(zip(x.split(32), x[:, :3].argmax(1).split(32)))
def real(): return [(x, x[:, :3]) for x, _ in batches()]
def triples(): return [(1, 2, 3)]
def nothing(): return []
def generator(): return (b for b in batches())
def seven(): return 7
def logits_loss(outputs, targets): return nn.functional.cross_entropy(outputs["logits"], targets)
def no_loss(outputs, targets): return 1.0
"""


@pytest.fixture(autouse=True)
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parts_here.py").write_text(PARTS)
    (tmp_path / "needs_more.py").write_text("import a_library_that_is_nowhere")
    (tmp_path / "wrong_words.py").write_text("def f(:")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "parts_here", raising=False)


def run(*words: str) -> int:
    return main(["diagnose-model", *words])


def verdict(printed: str) -> str:
    (line,) = (line for line in printed.splitlines() if line.startswith("verdict"))
    return line


def test_a_deep_sigmoid_net_has_vanished(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("parts_here:sigmoid", "--data", "parts_here:batches", "--steps", "60") == 0
    printed = capsys.readouterr().out
    assert "vanishing (depth)" in verdict(printed)
    assert sum(line.startswith("Linear ") for line in printed.splitlines()) == 14


def test_a_net_with_skip_connections_is_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("parts_here:skipping", "--data", "parts_here:batches", "--steps", "80", "--lr", "0.01") == 0
    assert "healthy" in verdict(capsys.readouterr().out)


@pytest.mark.parametrize(
    "words",
    [
        ("parts_here:Talker", "--data", "parts_here:batches", "--loss", "parts_here:logits_loss"),
        ("parts_here:skipping", "--data", "parts_here:real", "--optimizer", "sgd"),
    ],
)
def test_other_losses(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words, "--steps", "3") == 0
    assert re.search(r"^layer +depth +step 0 +step 2 ", capsys.readouterr().out, re.MULTILINE)


def test_it_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("parts_here:sigmoid", "--data", "parts_here:batches", "--steps", "40") == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("model", "data", "more", "message"),
    [
        ("parts_here", "parts_here:batches", [], "MODEL parts_here: write it as package.module:function"),
        ("nowhere_at_all:f", "parts_here:batches", [], "there is no module nowhere_at_all"),
        (
            "needs_more:f",
            "parts_here:batches",
            [],
            "needs_more imports a_library_that_is_nowhere, which is not installed",
        ),
        ("wrong_words:f", "parts_here:batches", [], "importing wrong_words raised SyntaxError"),
        ("parts_here:missing", "parts_here:batches", [], "parts_here has no missing"),
        ("parts_here:number", "parts_here:batches", [], "number is a int, not a function or a class"),
        ("parts_here:a_list", "parts_here:batches", [], "gave a list: it must return an nn.Module"),
        ("parts_here:broken", "parts_here:batches", [], "parts_here:broken() raised ValueError: two lines"),
        ("parts_here:Talker", "parts_here:batches", [], "the model returns a dict: say with --loss how"),
        ("parts_here:sigmoid", "parts_here:triples", [], "a batch is a pair (inputs, targets) of tensors"),
        ("parts_here:sigmoid", "parts_here:nothing", [], "parts_here:nothing gave no batch"),
        ("parts_here:sigmoid", "parts_here:generator", [], "return a DataLoader or a list"),
        ("parts_here:sigmoid", "parts_here:seven", [], "gave a int: it must return batches"),
        ("parts_here:wide", "parts_here:batches", [], "model, batch and loss do not fit together: RuntimeError: "),
        (
            "parts_here:sigmoid",
            "parts_here:batches",
            ["--loss", "parts_here:no_loss"],
            "the loss is not a single number",
        ),
        ("parts_here:sigmoid", "parts_here:batches", ["--steps", "0"], "--steps 0: must be at least 1"),
        ("parts_here:sigmoid", "parts_here:batches", ["--lr", "-1"], "--lr -1.0: must be above 0"),
        ("parts_here:sigmoid", "parts_here:batches", ["--optimizer", "x"], "--optimizer x: one of sgd, adam, adamw"),
    ],
)
def test_mistakes(model: str, data: str, more: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model, "--data", data, *more) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
