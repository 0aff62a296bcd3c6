"""What the package does on CUDA only, piece by piece, on a pretended device (pretended_tensor.py)."""

import json
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn

from tests.composing import compose, small_build
from tests.pretended_cuda import pretended_cuda
from tests.pretended_tensor import CUDA, MixedDevicesError
from vgp_bench.components.initializers_lsuv import LSUV
from vgp_bench.data.batches import Batches
from vgp_bench.errors import ConfigError
from vgp_bench.live.monitor import Monitor
from vgp_bench.probe.measuring import measure
from vgp_bench.run import perform
from vgp_bench.training.checkpoint import restore, state_of
from vgp_bench.training.loop import Loop
from vgp_bench.training.random_state import RandomState

DROPOUT = ["architecture=alexnet", "architecture.dropout=0.5", "monitor=off"]


def test_the_pretended_device_refuses_what_a_gpu_refuses_and_counts_what_it_waits_for() -> None:
    with pretended_cuda() as device:
        there = torch.arange(6.0, device=CUDA).view(2, 3)
        assert (there.device, (there * 2).device, torch.zeros_like(there).device) == (CUDA, CUDA, CUDA)
        with pytest.raises(MixedDevicesError, match="a tensor of the CPU, "):
            there + torch.ones(2, 3)
        with pytest.raises(MixedDevicesError, match="a tensor of the CPU, "):
            torch.stack([there.sum(), torch.ones(())])
        assert (there + torch.ones(())).device == CUDA
        assert not device.waits
        waiting: list[Any] = [there.sum().item, there.tolist, there.cpu, there.nonzero, there.sum().__bool__]
        waiting += [lambda: there[there > 1], lambda: torch.ones(3).to(CUDA), lambda: torch.tensor(1.0, device=CUDA)]
        waiting += [lambda: there.copy_(torch.ones(2, 3)), lambda: torch.ones(2, 3).copy_(there)]
        for count, call in enumerate(waiting, start=1):
            call()
            assert len(device.waits) == count
        torch.ones(3).pin_memory().to(CUDA, non_blocking=True)
        there.copy_(there + 1)
        assert len(device.waits) == len(waiting)


def built(*words: str) -> Loop:
    """A small training on the pretended device."""
    with patch("tests.composing.resolve_device", lambda name: "cuda"):
        return small_build(compose("trainer.max_steps=4", *words))


@pytest.mark.parametrize(("name", "mode"), [("irnn", 0), ("rnn", 1), ("lstm", 2), ("gru", 3)])
@pytest.mark.skipif(not torch._C._has_cudnn, reason="this torch was built without cuDNN")
def test_recurrent_weights_are_laid_out_as_cudnn_wants_them(name: str, mode: int) -> None:
    # The modes are those of cudnnRNNMode_t: RELU 0, TANH 1, LSTM 2, GRU 3; bidirectional in the last place.
    calls: list[tuple[Any, ...]] = []
    words = [f"architecture={name}", "images_as=rows", "architecture.bidirectional=true"]
    words += ["activation=tanh"] if name == "rnn" else []
    with (
        pretended_cuda(),
        patch("torch.backends.cudnn.is_acceptable", lambda tensor: True),
        patch("torch._use_cudnn_rnn_flatten_weight", lambda: True),
        patch("torch._cudnn_rnn_flatten_weight", lambda *given: calls.append(given)),
        patch("torch.cuda.device_of", lambda tensor: nullcontext()),
    ):
        model = built(*words, "monitor=off").model
        weights = [(tuple(weight.shape), weight.device) for weight in calls[-1][0]]
    gates = {"lstm": 4, "gru": 3}.get(name, 1)
    one = [((gates * 8, 8), CUDA), ((gates * 8, 8), CUDA), ((gates * 8,), CUDA), ((gates * 8,), CUDA)]
    assert weights == one + one
    assert calls[-1][1:] == (4, 8, mode, 8, 0, 1, True, True)
    assert len({id(weight) for weight in calls[-1][0]} & {id(p) for p in model.parameters()}) == 8


def test_a_restored_training_goes_on_with_the_random_numbers_of_the_device() -> None:
    with pretended_cuda() as device:
        whole, first, second = (built(*DROPOUT) for _ in range(3))
        rows: dict[int, list[Any]] = {id(loop): [] for loop in (whole, first, second)}
        for loop in (whole, first, second):
            loop.sink = rows[id(loop)].append
        device.random.manual_seed(1)
        whole.train()
        device.random.manual_seed(1)
        first.total_steps = 2
        first.model.train()
        first._epoch()
        state = state_of(first)
        device.random.manual_seed(2)
        restore(second, state)
        assert next(second.model.parameters()).device == CUDA
        second.epoch, second.sums = 0, list(second.sums)
        second.train()
    steps = [[row.loss for row in rows[id(loop)] if hasattr(row, "loss")] for loop in (whole, first, second)]
    assert steps[1][:2] + steps[2][:2] == steps[0][:4]


def test_the_random_state_is_that_of_cpu_and_device() -> None:
    with pretended_cuda():
        state = RandomState.now(CUDA)
        drawn = torch.rand(3), torch.rand(3, device=CUDA).cpu()
        state.put_back(CUDA)
        again = torch.rand(3), torch.rand(3, device=CUDA).cpu()
        assert all(map(torch.equal, drawn, again))
        assert not torch.equal(*again)


def test_lsuv_leaves_the_random_numbers_of_the_device() -> None:
    states = []
    with pretended_cuda() as device:

        def draw(weight: Tensor, gain: float) -> None:
            weight.normal_()
            states.append(device.random.get_state())

        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)).to(CUDA)
        images = torch.randn(32, 4, device=CUDA)
        with patch("torch.nn.init.orthogonal_", draw):
            LSUV().initialize(model, nn.ReLU, images)
        assert torch.equal(states[-1], device.random.get_state()), "dropout drew from the device"
        linear = images @ model[0].weight.t()
        assert linear.std(correction=0).item() == pytest.approx(1, rel=1e-4)


def test_the_order_of_an_epoch_goes_there_without_a_wait() -> None:
    with pretended_cuda() as device:
        batches = built("architecture=mlp").batches
        assert isinstance(batches, Batches)
        device.waits.clear()
        labels = torch.cat([labels for _, labels in batches.epoch(0)])
        assert not device.waits
        assert labels.device == CUDA


def test_a_whole_run_names_the_device_and_its_memory(tmp_path: Path) -> None:
    small = ["dataset.train_size=64", "dataset.validation_size=32", "dataset.test_size=32", "trainer.batch_size=16"]
    words = ["device=auto", "architecture.depth=2", "architecture.width=8", "trainer.max_steps=3", *small]
    with pretended_cuda():
        outcome = perform(compose(*words, results=tmp_path), ["vgp-bench"], lambda n: lambda s, loss: None)
    assert outcome.state == "completed", outcome
    assert outcome.summary.peak_memory_bytes == 2**20
    assert json.loads((outcome.path / "environment.json").read_text())["device"] == "cuda: a pretended GPU"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_check_of_a_gpu_box_runs_on_the_device(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "scripts"))
    from benchmarks.gpu_check import check

    with pretended_cuda():
        checked = check("lstm", "cuda", precision)
    assert checked.verdict == "equal", checked
    assert checked.peak_mib == 1
    assert (checked.gradients > 1e-4) == (precision == "bf16")


def test_the_look_before_a_training_finds_what_it_finds_on_the_cpu() -> None:
    small = ["dataset.train_size=64", "dataset.validation_size=32", "dataset.test_size=32", "trainer.batch_size=16"]
    words = ["architecture.depth=3", "architecture.width=8", "monitor.probe_images=64", *small]
    with pretended_cuda():
        there, here = (measure(compose(*words, f"device={device}")) for device in ("cuda", "cpu"))
    assert there.start.look.loss == pytest.approx(here.start.look.loss, rel=1e-5)
    assert there.start.signals_to_noise == pytest.approx(here.start.signals_to_noise, rel=1e-3)
    assert there.start.spectrum.values == pytest.approx(here.start.spectrum.values, rel=1e-5)
    assert there.after_trial.loss == pytest.approx(here.after_trial.loss, rel=1e-4)


@pytest.mark.parametrize("on_device", [False, True], ids=["number", "tensor"])
def test_a_live_monitor_waits_in_measured_steps_only(on_device: bool) -> None:
    with pretended_cuda() as device:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).to(CUDA)
        rate = torch.full((), 0.125, device=CUDA) if on_device else 0.125
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, fused=True)
        inputs, targets = torch.randn(16, 4, device=CUDA), torch.randint(0, 3, (16,), device=CUDA)
        waits: list[Counter[str]] = []
        with Monitor(model, optimizer, dense_steps=1, every=3, overhead=None) as monitor:
            for _ in range(5):
                device.waits.clear()
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(inputs), targets)
                loss.backward()
                monitor.log(loss)
                optimizer.step()
                waits.append(Counter(device.waits))
                if on_device:
                    rate.mul_(0.5)
            case = monitor.case()
    assert [bool(found) for found in waits] == [True, False, False, True, False]
    rates = [0.125 * 0.5**step if on_device else 0.125 for step in range(5)]
    assert list(case.tables["steps"]["learning_rate"]) == rates
    # The flow, the step, and the losses, with which the rates come that lie on the device.
    assert waits[3]["monitor/readings.py:read"] == 3
    assert set(waits[3]) <= {"monitor/readings.py:read", "live/measured_step.py:after_backward"}


class OnTwoDevices(nn.Module):
    """As a network that is too large for one device lies."""

    def __init__(self) -> None:
        super().__init__()
        self.below = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.above = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)).to(CUDA)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.above(self.below(x).to(CUDA))
        return logits


def test_a_live_monitor_reads_a_network_on_two_devices() -> None:
    torch.manual_seed(0)
    with pretended_cuda():
        model = OnTwoDevices()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        inputs, targets = torch.randn(64, 4), torch.randint(0, 3, (64,), device=CUDA)
        with Monitor(model, optimizer, dense_steps=3, overhead=None) as monitor:
            for _ in range(3):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(inputs), targets)
                loss.backward()
                monitor.log(loss)
                optimizer.step()
            tables = monitor.case().tables
    names = list(tables["layers"]["name"])
    assert names[:3] == ["below.0", "above.0", "above.2"]
    assert (tables["layers"]["weight_gradient_l2"] > 0).all()
    assert (tables["layers"]["update_ratio"] > 0).all()
    squares = [sum(x**2 for x in tables["layers"]["weight_gradient_l2"][3 * step : 3 * step + 3]) for step in range(3)]
    assert (tables["steps"]["gradient_l2"] ** 2 > squares).all()  # the biases are in it, too


def test_momentum_that_would_begin_wrong_is_refused() -> None:
    words = ("optimizer=sgd", "optimizer.momentum=0.9", "+optimizer.dampening=0.5", "trainer.precision=fp16")
    with pretended_cuda(), pytest.raises(ConfigError, match=r"optimizer\.dampening=0\.5 with trainer\.precision=fp16"):
        built("architecture=mlp", *words)
