"""`1 run`, `2 runs`: and that no text writes its own plural behind a number that may be 1."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vgp_bench
from vgp_bench.plural import agreeing, plural

PACKAGE = Path(vgp_bench.__file__).parent


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 hidden layers are"), (1, "1 hidden layer is"), (2, "2 hidden layers are")]
)
def test_noun_and_verb_agree_with_the_number(count: int, words: str) -> None:
    assert plural(count, "hidden layer", "are") == words
    assert plural(count, "hidden layer") == words.rpartition(" ")[0]


@pytest.mark.parametrize(
    ("verb", "one"),
    [("have", "has"), ("were", "was"), ("go", "goes"), ("apply", "applies"), ("move", "moves"), ("lack", "lacks")],
)
def test_verbs(verb: str, one: str) -> None:
    assert (agreeing(1, verb), agreeing(0, verb), agreeing(2, verb)) == (one, verb, verb)


def test_nobody_makes_a_plural_of_his_own() -> None:
    texts = {path.relative_to(PACKAGE): path.read_text() for path in PACKAGE.rglob("*.py") if path.stem != "plural"}
    own = [f"{path}:{line}" for path, text in texts.items() for line in _own_plurals(text)]
    assert own == []


@pytest.mark.parametrize(
    ("expression", "own"),
    [
        ('f\'{n} run{"s" if n > 1 else ""}\'', True),
        ('f\'{n} {"runs are" if n > 1 else "run is"} left\'', True),
        ('f\'{n} run{" is" if n == 1 else "s are"} left\'', True),
        ("'logit' if n == 1 else 'logits'", True),
        ("'seeds' if one.many else 'networks'", False),
        ("1 if n == 1 else 's'", False),
    ],
)
def test_plurals_by_hand_are_seen(expression: str, own: bool) -> None:
    assert list(_own_plurals(expression)) == [1] * own


def _own_plurals(text: str) -> Iterator[int]:
    """Lines where an s is added by hand: {'s' if ... else ''}, with or without the noun before it and a verb behind."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.IfExp):
            ends = [getattr(part, "value", None) for part in (node.body, node.orelse)]
            nouns = sorted((end.split(" ")[0] for end in ends if isinstance(end, str)), key=len)
            if len(nouns) == 2 and nouns[1] == f"{nouns[0]}s":
                yield node.lineno


def test_one_is_one_wherever_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from vgp_bench.cli import main

    words = ["architecture.depth=1", "architecture.width=8", "device=cpu", "trainer.max_steps=1"]
    assert main(["probe", *words, "trainer.clip_norm=1", "--steps", "1"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "after 1 step " in printed
    assert "of the first 1 step," in printed
    assert not re.findall(r"\b1 (?:steps|layers|inputs|runs|logits)\b", printed)
