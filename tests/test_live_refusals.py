"""What cannot be watched is refused before the first step, in one line that says what to do."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.foreign_networks import Functional, trained, vectors
from vgp_bench.errors import ConfigError
from vgp_bench.live.monitor import Monitor


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1)


def compiled_in_place() -> nn.Module:
    model = Functional()
    model.compile()
    return model


MODELS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "compiled": (lambda: torch.compile(Functional()), "a compiled model runs without its modules' hooks"),
    "compiled in place": (compiled_in_place, "train some steps without torch.compile"),
    "compiled part": (lambda: nn.Sequential(torch.compile(nn.Linear(6, 5))), "a compiled model"),
    "data parallel": (lambda: nn.DataParallel(Functional()), "use DistributedDataParallel"),
    "sparse": (lambda: nn.EmbeddingBag(9, 3, sparse=True), r"nn\.EmbeddingBag\(sparse=True\) .*: set sparse=False"),
    "frozen": (lambda: Functional().requires_grad_(False), "nothing to train"),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str) -> None:
    make, message = MODELS[name]
    with pytest.raises(ConfigError, match=message) as refused:
        Monitor(make(), sgd(Functional()))
    assert "\n" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_scripted_model() -> None:
    scripted = torch.jit.script(nn.Sequential(nn.Linear(6, 5)))
    with pytest.raises(ConfigError, match=r"hides its layers: give the model before torch\.jit"):
        Monitor(scripted, sgd(Functional()))


def test_an_optimizer_of_another_model() -> None:
    with pytest.raises(ConfigError, match=r"holds no parameter of this model: make it from model\.parameters\(\)"):
        Monitor(Functional(), sgd(Functional()))


def test_an_expert_without_tokens_and_an_input_without_a_batch_are_passed_over() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    optimizer = sgd(model)
    with Monitor(model, optimizer, overhead=None) as monitor:
        for inputs in (torch.randn(8, 6), torch.randn(0, 6), torch.randn(6)):
            optimizer.zero_grad()
            loss = model(inputs).square().sum()
            monitor.log(loss)
            loss.backward()
            optimizer.step()
    probes = monitor.tables["probes"]
    assert set(probes["step"]) == {0, 1, 2}
    assert probes.query("step == 0")["sensitivity"].notna().all()
    assert probes.query("step > 0")["sensitivity"].isna().all()


def test_a_model_that_is_none() -> None:
    with pytest.raises(ConfigError, match=r"the model is a dict, not an nn\.Module"):
        Monitor({}, sgd(Functional()))  # type: ignore[arg-type]


@pytest.mark.parametrize(("optimizer", "what"), [(None, "NoneType"), ([], "empty list"), ([3], "int")])
def test_an_optimizer_that_is_none(optimizer: object, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"a torch\.optim\.Optimizer or a list of them, not a {what}"):
        Monitor(Functional(), optimizer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, r"Monitor\(every=0\): must be a whole number, at least 1, or None"),
        ({"every": 2.5}, r"Monitor\(every=2\.5\): must be a whole number, at least 1, or None"),
        ({"overhead": 0}, r"Monitor\(overhead=0\): must be a number above 0, or None for no bound"),
        ({"overhead": "4%"}, r"Monitor\(overhead='4%'\): must be a number above 0"),
        ({"dense_steps": -1}, r"Monitor\(dense_steps=-1\): must be a whole number, at least 0"),
        ({"dense_steps": None}, r"Monitor\(dense_steps=None\): must be a whole number"),
        ({"scaler": 3}, r"Monitor\(scaler=\.\.\.\): a int, not a torch\.amp\.GradScaler"),
        ({"chance_loss": "ln 10"}, r"Monitor\(chance_loss='ln 10'\): must be a number"),
    ],
)
def test_options(options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Monitor(Functional(), sgd(Functional()), **options)  # type: ignore[arg-type]


def test_another_model_than_the_one_that_is_trained() -> None:
    model, (x, y) = Functional(), vectors()
    watched = Functional()
    optimizer = torch.optim.SGD([*model.parameters(), *watched.parameters()], lr=0.1)
    monitor = Monitor(watched, optimizer)
    monitor.start()
    F.cross_entropy(model(x), y).backward()
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(ConfigError, match=r"no layer with weights ran .* not a copy or its compiled form"):
        optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    optimizer.step()  # nothing of it is left


@pytest.mark.filterwarnings("ignore:Dynamo")
def test_a_model_that_is_compiled_behind_its_back() -> None:
    model, (x, _) = Functional(), vectors()
    monitor = Monitor(model, sgd(model))
    monitor.start()
    compiled = torch.compile(model, backend="eager")
    with pytest.raises(ConfigError, match="a compiled model runs without its modules' hooks"):
        compiled(x)


def test_nothing_measured_is_told_in_the_report() -> None:
    model = Functional()
    monitor = Monitor(model, sgd(model))
    assert monitor.report().startswith("nothing was measured yet")
    assert monitor.verdict().startswith("undecided")
    assert monitor.tables["probes"].empty


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ((None,), "the loss is a NoneType: give a number or a tensor with one value"),
        (("0.3",), "the loss is a str: give a number"),
        (([0.3, 0.2],), "the loss is a list: give a number"),
        ((torch.ones(3),), r"the loss is a tensor of shape \(3,\): give one number, say its mean"),
        ((torch.ones((), dtype=torch.complex64),), "the loss is a tensor complex"),
        ((0.3, "all"), "the accuracy is a str: give a number"),
    ],
)
def test_what_is_no_loss(told: tuple[object, ...], message: str) -> None:
    model = Functional()
    with (
        Monitor(model, sgd(model)) as monitor,
        pytest.raises(ConfigError, match=rf"^Monitor\.log: {message}") as refused,
    ):
        monitor.log(*told)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    assert monitor.tables["steps"].empty


@pytest.mark.parametrize("value", [0.25, np.float32(0.25), torch.tensor(0.25), torch.tensor([[0.25]]), np.array(0.25)])
def test_what_is_one(value: float) -> None:
    model = Functional()
    with Monitor(model, sgd(model)) as monitor:
        monitor.log(value)
    assert monitor.tables["steps"].loss.tolist() == [0.25]


@pytest.mark.parametrize("left", [True, False])
def test_a_loss_told_outside_of_the_block(left: bool) -> None:
    model = Functional()
    monitor = Monitor(model, sgd(model))
    if left:
        with monitor:
            pass
    with pytest.raises(ConfigError, match=r"outside of its `with` block: put the loop into `with vgp_bench\.Monitor\("):
        monitor.log(1.0)


def test_a_monitor_started_twice() -> None:
    model = Functional()
    monitor = Monitor(model, sgd(model))
    monitor.start()
    with pytest.raises(ConfigError, match=r"started already: leave out start\(\)"), monitor:
        pass
    monitor.stop()
    with monitor:  # the loop goes on
        pass


def test_without_a_loss_there_is_no_verdict_but_every_figure() -> None:
    monitor = trained(Functional(), vectors(), steps=40, log=False)
    assert monitor.diagnosis().verdict == "undecided"
    assert (monitor.tables["probes"].sensitivity > 0).all()
    assert monitor.tables["steps"].empty
