"""The check before anything is built: each mistake is named in one line, and every config on disk passes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, Union

import pytest
import torch

from tests.composing import compose, names_on_disk
from vgp_bench import composition
from vgp_bench.config import GROUPS, ComposedRun
from vgp_bench.config_check import SUPPLIED, _gives_sequences, check, describe, matches
from vgp_bench.errors import ConfigError

HERE = __name__


RateOrTensor = Union[float, torch.Tensor]  # noqa: UP007  as torch.optim writes it


class Thing:
    """A target with a parameter of every kind of type."""

    def __init__(
        self,
        needed: int,
        rate: float = 0.1,
        loud: bool = False,
        name: str = "x",
        kind: Literal["in", "out", 3] = "in",
        limit: int | None = None,
        shares: list[float] | None = None,
        pair: tuple[float, float] = (0.0, 1.0),
        inner: Any = None,
        rate_or_tensor: RateOrTensor = 0.1,
    ) -> None:
        pass


class Sized(Protocol):
    """No isinstance with this one: it is not @runtime_checkable."""

    size: int


def takes_anything(**keys: Any) -> None:
    pass


def not_evaluable(size: "NoSuchType", other: int = 0) -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


@cache
def base() -> ComposedRun:
    return compose()


def with_option(option: Any, group: str = "activation", name: str = "mine") -> ComposedRun:
    """A run whose option of `group`, as if chosen from a file of the user's, is this."""
    return replace(base(), config={**base().config, group: option}, choices={**base().choices, group: name})


def complaint(composed: ComposedRun) -> str:
    with pytest.raises(ConfigError) as raised:
        check(composed)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def thing(**keys: Any) -> dict[str, Any]:
    return {"_target_": f"{HERE}.Thing", "needed": 1, **keys}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("architecture.depth=ten", "architecture.depth=ten: expected an integer"),
        ("architecture.depth=2.5", "architecture.depth=2.5: expected an integer"),
        ("architecture.depth=true", "architecture.depth=true: expected an integer"),
        ("architecture.depth=null", "architecture.depth=null: expected an integer"),
        ("architecture.depth=[3]", "architecture.depth=[3]: expected an integer"),
        ("optimizer.lr=true", "optimizer.lr=true: expected a number"),
        ("optimizer.lr=fast", "optimizer.lr=fast: expected a number"),
        ("optimizer.lr=nan", "optimizer.lr=nan: expected a number"),
        ("trainer.clip_norm=.inf", "trainer.clip_norm=.inf: expected a number or null"),
        ("optimizer.nesterov=1", "optimizer.nesterov=1: expected true or false"),
        ("trainer.max_steps=soon", "trainer.max_steps=soon: expected an integer or null"),
        ("device=tpu", "device=tpu: use auto, cpu, cuda or cuda:N"),
        ("seed=-1", "seed=-1: must be 0 or more and below 2^64"),
        ("seed=18446744073709551616", "seed=18446744073709551616: must be 0 or more and below 2^64"),
        ("+architecture.dpth=3", "architecture.dpth: architecture=mlp has no such key. Did you mean depth?"
         " It takes depth, width."),
        ("+activation.slope=3", "activation.slope: activation=relu has no such key. It takes inplace."),
        ("~initializer", "initializer: a run needs one option of it, initializer=NAME;"
         " see `vgp-bench list initializer`"),
    ],
)  # fmt: skip
def test_a_wrong_word_on_the_command_line(word: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(compose(word))
    assert str(raised.value) == message


@pytest.mark.parametrize("word", ["+foo=1", "+seeed=1"])
def test_a_key_that_no_run_has_is_refused_even_with_a_plus(word: str) -> None:
    message = complaint(compose(word))
    hint = " Did you mean seed?" if "seeed" in word else ""
    assert message == f"{word[1:].split('=')[0]}: a run has no such key.{hint}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["schedule=step", "schedule.milestones=[a]"], "schedule.milestones=[a]: expected a list [a number, ...]"),
        (["schedule=step", "schedule.milestones=0.5"], "schedule.milestones=0.5: expected a list [a number, ...]"),
        (["optimizer=adam", "optimizer.betas=[0.9]"], "optimizer.betas=[0.9]: expected a list [a number, a number]"),
        (
            ["optimizer=adam", "optimizer.betas=[0.9,true]"],
            "optimizer.betas=[0.9, true]: expected a list [a number, a number]",
        ),
        (
            ["architecture=resnet", "architecture.block=bsic"],
            "architecture.block=bsic: expected one of basic, bottleneck",
        ),
    ],
)
def test_list_elements_and_choices(words: list[str], message: str) -> None:
    assert complaint(compose(*words)) == message


NO_TARGET = "activation=mine: its file has no `_target_:` key, so it names nothing to build"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"_target": "torch.nn.ReLU"}, NO_TARGET),
        (None, NO_TARGET),
        (["torch.nn.ReLU"], NO_TARGET),
        ({"_target_": 3}, "activation=mine: `_target_: 3` must be the dotted name of a class or function"),
        ({"_target_": "torch.nn"}, "activation=mine: `_target_: torch.nn` is a module, not a class or function"),
        (
            {"_target_": "torch.nn.Relu"},
            "activation=mine: cannot find `_target_: torch.nn.Relu` (Error loading 'torch.nn.Relu': "
            "ModuleNotFoundError(\"No module named 'torch.nn.Relu'\") "
            "Are you sure that 'Relu' is importable from module 'torch.nn'?)",
        ),
        (
            {"_target_": "no_such_package.ReLU"},
            "activation=mine: cannot find `_target_: no_such_package.ReLU` (Error loading 'no_such_package.ReLU': "
            "ModuleNotFoundError(\"No module named 'no_such_package'\") "
            "Are you sure that module 'no_such_package' is installed?)",
        ),
        ({"_target_": f"{HERE}.Thing"}, "activation=mine needs activation.needed=..."),
        (thing(limit="x"), "activation.limit=x: expected an integer or null"),
        (thing(kind="up"), "activation.kind=up: expected one of in, out, 3"),
        (thing(kind="3"), "activation.kind=3: expected one of in, out, 3"),
        (thing(name=3), "activation.name=3: expected a word"),
        (thing(name=None), "activation.name=null: expected a word"),
        (thing(rate_or_tensor="x"), "activation.rate_or_tensor=x: expected a number"),
        (thing(shares=[0.5, None]), "activation.shares=[0.5, null]: expected a list [a number, ...] or null"),
        (thing(inner={"_target_": f"{HERE}.Thing"}), "activation=mine needs activation.inner.needed=..."),
        (thing(inner=thing(lod=True)), "activation.inner.lod: activation=mine has no such key. Did you mean loud? "
         "It takes needed, rate, loud, name, kind, limit, shares, pair, inner, rate_or_tensor."),
        ({"_target_": f"{HERE}.not_evaluable", "sise": 3}, "activation.sise: activation=mine has no such key. "
         "Did you mean size? It takes size, other."),
    ],
)  # fmt: skip
def test_a_wrong_file(option: Any, message: str) -> None:
    assert complaint(with_option(option)) == message


@pytest.mark.parametrize(
    "option",
    [
        thing(rate=1, limit=None, shares=[0, 0.5], pair=[0, 1], kind=3, inner=thing(), rate_or_tensor=1e-8),
        thing(shares=None, inner="anything"),
        {"_target_": f"{HERE}.takes_anything", "whatever": 1},
        {"_target_": f"{HERE}.not_evaluable", "size": "cannot be compared"},
        {"_target_": "torch.relu", "whatever": "its signature cannot be read"},
    ],
)
def test_a_right_file_passes(option: dict[str, Any]) -> None:
    check(with_option(option))


@pytest.mark.parametrize(("group", "key"), [(group, key) for group, keys in SUPPLIED.items() for key in sorted(keys)])
def test_what_the_runner_supplies_is_not_to_be_set(group: str, key: str) -> None:
    option = {**base().config[group], key: "mine"}
    name = base().choices[group]
    assert complaint(with_option(option, group, name)).startswith(f"{group}.{key}: {group}={name} has no such key.")


LETTERS = Literal["a", "b"]


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, int, True), (3.0, int, False), (True, int, False), ("3", int, False), (None, int, False),
        (3, float, True), (0.5, float, True), (True, float, False), ("1e-8", float, False),
        (True, bool, True), (1, bool, False), ("true", bool, False),
        ("x", str, True), (1, str, False), (None, str, False),
        (None, None, True), (None, int | None, True), (None, type(None), True), (0, None, False),
        (2, int | str, True), ("x", int | str, True), (2.5, int | str, False),
        ("a", LETTERS, True), ("c", LETTERS, False), (1, Literal[1], True), (True, Literal[1], False),
        (1.0, Literal[1], False),
        ([1, 2], list[int], True), ([1, "x"], list[int], False), ([], list[int], True), (1, list[int], False),
        ("ab", list[str], False), ("ab", Sequence[str], False), ([True], list[int], False), ([1, "x"], list, True),
        ([1], Sequence[float], True), ([[1], [2]], list[list[int]], True), ([[1], ["x"]], list[list[int]], False),
        ([1, 2], tuple[int, int], True), ([1], tuple[int, int], False), ([1, 2, 3], tuple[int, int], False),
        ([1, "x"], tuple[int, str], True), (["x", 1], tuple[int, str], False),
        ([1, 2, 3], tuple[int, ...], True), ([1, None], tuple[int, ...], False),
        ({"a": 1}, Mapping[str, int], True), ({"a": 1}, dict, True), ([1], dict, False),
        (object, Any, True), (None, Any, True), ("x", object, True),
        ("x", Path, False), ("x", torch.nn.Module, False), (0.1, RateOrTensor, True),
        ("x", Callable[[int], int], False), ("x", TypeVar("T"), True), ("x", Sized, True),
    ],
)  # fmt: skip
def test_matches(value: Any, hint: Any, expected: bool) -> None:
    assert matches(value, hint) is expected


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "an integer or null"),
        (RateOrTensor, "a number"),
        (list[int | str], "a list [an integer or a word, ...]"),
        (tuple[int, ...], "a list [an integer, ...]"),
        (tuple[int, str], "a list [an integer, a word]"),
        (Path, "Path"),
    ],
)
def test_a_type_in_words(hint: Any, words: str) -> None:
    assert describe(hint) == words


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in GROUPS for name in names_on_disk(group)])
def test_every_option_on_disk_passes(group: str, name: str) -> None:
    composed = compose(f"{group}={name}")
    if group == "dataset" and _gives_sequences(composed.config["dataset"]):
        with pytest.raises(ConfigError, match="gives sequences: use architecture=gru, irnn, lstm, rnn or transformer"):
            check(composed)
        composed = compose(f"{group}={name}", "architecture=rnn")
    check(composed)
    assert composed.choices[group] == name


@pytest.mark.parametrize("name", names_on_disk("experiment"))
def test_every_run_of_every_study_on_disk_passes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = composition.compose([f"experiment={name}"])
    assert runs
    assert len({run.label for run in runs}) == len(runs)
    for run in runs:
        check(run)
