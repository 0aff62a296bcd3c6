"""Inside loops with a gradient scaler, closures, several optimizers or several losses: the figures are true."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.foreign_networks import (
    Functional,
    trained,
    vectors,
)
from vgp_bench.live.monitor import Monitor


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_with_a_scaler_gradients_have_their_true_size() -> None:
    for fused in (False, True):  # a fused kernel divides by the scale itself
        model, data = Functional().eval(), vectors()
        twin = copy.deepcopy(model)
        optimizer = torch.optim.Adam(model.parameters(), fused=fused)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        with Monitor(model, optimizer, scaler=scaler) as monitor:
            for _ in range(2):
                optimizer.zero_grad()
                scaler.scale(F.cross_entropy(model(data[0]), data[1])).backward()
                scaler.step(optimizer)
                scaler.update()
        plain = trained(twin, data, steps=1).tables
        for table, column in (
            ("layers", "activation_gradient_l2"),
            ("layers", "weight_gradient_l2"),
            ("layers", "weight_gradient_rms"),
            ("probes", "sensitivity"),
            ("probes", "sample_gradient"),
            ("probes", "weight_gradient_mean"),
        ):
            found, expected = monitor.tables[table], plain[table]
            assert found[found.step == 0][column].tolist() == pytest.approx(expected[column].tolist(), rel=1e-4), column


def test_a_step_the_scaler_leaves_out_leaves_nothing_behind() -> None:
    model, data = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)  # so the first backward pass overflows
    done, passes = [], 0
    optimizer.register_step_post_hook(lambda *args: done.append(passes))
    with Monitor(model, optimizer, scaler=scaler) as monitor:
        while not done:
            passes += 1
            optimizer.zero_grad()
            loss = F.cross_entropy(100 * model(data[0]), data[1])
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    assert passes > 1
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05)
    with Monitor(twin, optimizer) as plain:
        F.cross_entropy(100 * twin(data[0]), data[1]).backward()
        optimizer.step()
    for column in ("sensitivity", "sample_gradient"):
        found, expected = monitor.tables["probes"][column].tolist(), plain.tables["probes"][column].tolist()
        assert found == pytest.approx(expected, rel=1e-3)


def closure_loop(make: Callable[[list[nn.Parameter]], torch.optim.Optimizer], monitored: bool) -> Any:
    torch.manual_seed(0)
    model, data = Functional().eval(), vectors()
    optimizer = make(list(model.parameters()))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data[0]), data[1])
        loss.backward()
        return loss

    monitor = Monitor(model, optimizer)
    if monitored:
        monitor.start()
    losses = [optimizer.step(closure).item() for _ in range(3)]  # type: ignore[union-attr, arg-type]
    monitor.stop()
    return model, losses, monitor.tables


@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=4), lambda p: torch.optim.SGD(p, lr=0.1)]
)
def test_closures_tell_the_loss_and_are_measured_at_their_first_call(make: Any) -> None:
    bare, losses, _ = closure_loop(make, monitored=False)
    watched, _, tables = closure_loop(make, monitored=True)
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), watched.parameters(), strict=True))
    assert tables["steps"].loss.tolist() == pytest.approx(losses)
    torch.manual_seed(0)
    first = trained(Functional().eval(), vectors(), steps=1).tables["probes"]
    found = tables["probes"]
    assert found[found.step == 0].sensitivity.tolist() == pytest.approx(first.sensitivity.tolist(), rel=1e-5)
    assert (tables["layers"].update_ratio > 0).all()


def test_several_optimizers_of_one_network() -> None:
    model, data = Functional().eval(), vectors()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim < 2]
    optimizers = [torch.optim.SGD(matrices, lr=0.1), torch.optim.Adam(rest)]
    with Monitor(model, optimizers) as monitor:
        for _ in range(3):
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss = F.cross_entropy(model(data[0]), data[1])
            monitor.log(loss)
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
    tables = monitor.tables
    assert tables["steps"].step.tolist() == [0, 1, 2]
    assert (tables["layers"].update_ratio > 0).all()
    whole = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))
    assert tables["steps"].gradient_l2.iloc[-1] == pytest.approx(whole, rel=1e-5)


def test_two_losses_sent_back_one_after_the_other() -> None:
    model, (x, y) = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Monitor(model, optimizer) as monitor:
        logits = model(x)
        F.cross_entropy(logits, y).backward(retain_graph=True)
        (3 * F.cross_entropy(logits, y)).backward()
        optimizer.step()
    plain = trained(twin, (x, y), steps=1).tables["probes"]  # the second is 3 times the first: norms add up to 4
    assert monitor.tables["probes"].sensitivity.tolist() == pytest.approx((4 * plain.sensitivity).tolist(), rel=1e-5)
