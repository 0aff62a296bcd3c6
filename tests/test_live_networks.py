"""Around networks of every kind, sequences, frozen and distributed ones too: the figures are true."""

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.foreign_networks import (
    CLASSES,
    Functional,
    SmallCNN,
    Tagger,
    images,
    series,
    trained,
    vectors,
)
from vgp_bench.live.monitor import Monitor


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_batch_norm_frozen_in_a_training_stays_as_it_is() -> None:
    model, data = SmallCNN(), images()
    model.features[1].eval()
    before = copy.deepcopy(model.features[1].state_dict())
    monitor = trained(model, data)
    assert all(torch.equal(before[key], value) for key, value in model.features[1].state_dict().items() if "run" in key)
    assert (monitor.tables["probes"].sensitivity > 0).all()


def test_the_gradient_through_time_is_that_of_the_inputs() -> None:
    for batch_first in (True, False):
        torch.manual_seed(0)
        model, (x, y) = Tagger(nn.RNN, batch_first), series(length=20)
        twin, x = copy.deepcopy(model), x if batch_first else x.transpose(0, 1)
        times = trained(model, (x, y), steps=1).tables["times"]
        inputs = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(twin(inputs), y), inputs)
        expected = gradient.norm(dim=(0, 2) if batch_first else (1, 2))
        assert times.state_gradient_l2.tolist() == pytest.approx(expected.tolist(), rel=1e-4)
        assert times.time.tolist() == list(range(1, 21))
        assert times.lag.tolist() == list(range(19, -1, -1))
        assert set(times.layer) == {"recurrent"}


def test_a_bidirectional_layer_has_no_rows_through_time() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.head = nn.LSTM(3, 4, bidirectional=True, batch_first=True), nn.Linear(8, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.recurrent(x)[0][:, -1])

    assert trained(Both(), series()).tables["times"].empty


def test_packed_sequences_are_measured() -> None:
    class Packed(Tagger):
        def forward(self, x: Tensor) -> Tensor:
            lengths = torch.arange(len(x), 0, -1).clamp_max(x.shape[1])
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
            return self.head(self.recurrent(packed)[1][0][-1])

    tables = trained(Packed(), series()).tables
    assert (tables["probes"].sensitivity > 0).all()
    assert tables["times"].empty


def dead_units(batch: int, steps: int, alive_at: int | None) -> list[float]:
    """dead_fraction of each step of a layer of 4 units, of which the last one is silent but for one step."""
    layer = nn.Linear(1, 4)
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.copy_(torch.tensor([0.0, 0.0, 0.0, -9.0]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with Monitor(model, optimizer, dense_steps=steps) as monitor:
        for step in range(steps):
            x = torch.ones(batch, 1)
            x[0] = 10.0 if step == alive_at else 1.0
            F.cross_entropy(model(x), torch.zeros(batch, dtype=torch.long)).backward()
            optimizer.step()
    layers = monitor.tables["layers"]
    return list(layers[layers.kind == "hidden"].dead_fraction)


def test_dead_is_what_was_silent_on_hundreds_of_inputs() -> None:
    assert dead_units(batch=64, steps=2, alive_at=None) == [0.25, 0.25]
    small = dead_units(batch=16, steps=6, alive_at=None)
    assert np.isnan(small[:3]).all()  # fewer than 64 inputs say nothing
    assert small[3:] == [0.25, 0.25, 0.25]
    # spoke at step 1: alive while any of the last 512 inputs is of step 1
    assert dead_units(batch=128, steps=7, alive_at=1) == [0.25, 0.0, 0.0, 0.0, 0.0, 0.25, 0.25]


def workers() -> Iterator[None]:
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method="tcp://127.0.0.1:29511", rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()


distributed = pytest.fixture(workers)


def test_inside_distributed_data_parallel(distributed: None) -> None:
    model, data = Functional().eval(), vectors()
    twin = copy.deepcopy(model)
    parallel = trained(nn.parallel.DistributedDataParallel(model), data).tables
    alone = trained(twin, data).tables
    assert parallel["probes"].name.tolist() == alone["probes"].name.tolist()
    for table, column in (("probes", "sensitivity"), ("layers", "weight_gradient_l2"), ("layers", "update_ratio")):
        assert parallel[table][column].tolist() == pytest.approx(alone[table][column].tolist(), rel=1e-5)


@pytest.mark.parametrize("reentrant", [True, False])
def test_with_activation_checkpointing(reentrant: bool) -> None:
    from torch.utils.checkpoint import checkpoint

    class Saving(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inward, self.middle = nn.Linear(6, 8), nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(checkpoint(self.middle, self.inward(x), use_reentrant=reentrant))

    model, data = Saving(), vectors()
    plain = nn.Sequential(model.inward, *model.middle, model.head)
    expected = trained(copy.deepcopy(plain), data).tables["probes"]
    found = trained(model, data).tables["probes"]
    if reentrant:  # inside of the checkpoint nothing has a gradient when the stages are looked for
        found, expected = found[found.name == "head"], expected[expected.kind == "output"]
    assert found.sensitivity.tolist() == pytest.approx(expected.sensitivity.tolist(), rel=1e-5)
