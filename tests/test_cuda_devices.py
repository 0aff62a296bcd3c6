"""Whole trainings on a pretended CUDA device (pretended_tensor.py): the numbers of the CPU, no operation that mixes
devices, and the host waits where it is said to and nowhere else."""

import math
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict
from unittest.mock import patch

import pytest

from tests.composing import compose, names_on_disk, small_build
from tests.pretended_cuda import pretended_cuda
from tests.pretended_tensor import Dispatch
from vgp_bench.records.rows import HistogramRow, LayerRow, Row, StepRow

STEPS = 3
MEASURED = ["monitor.dense_steps=1", "monitor.every=null", "monitor.probe_every=2"]  # steps 0 and 2, with a probe
TIMES = ("seconds", "images_per_second")
ONCE_A_TRAINING = {
    "training/tape.py:read": 1,  # steps without measuring are read together
    "training/loop.py:_epoch": 1,  # before the clock is stopped
    "training/evaluation.py:evaluate": 2,
}
LOGGED, PROBED = 2, 2
EACH_LOOK = {  # places that wait once in each look at the probe set
    "monitor/histogram.py:rows",
    "monitor/through_time.py:time_rows",
    "monitor/angles.py:angle_rows",
}
KNOWN_AFTER_THE_FIRST = ("components/slopes.py:_for_each_unit", "components/slopes.py:flattens_at_both_ends")


def trained(*words: str, cuda: bool) -> tuple[list[Row], Counter[str]]:
    """The rows of a small training, and where the host waited in it, how often."""
    composed, rows = compose(f"trainer.max_steps={STEPS}", *words), []
    there = pretended_cuda() if cuda else nullcontext(Dispatch())
    with there as device, patch("tests.composing.resolve_device", lambda name: "cuda" if cuda else name):
        loop = small_build(composed)
        loop.sink = rows.append
        device.waits.clear()  # to build a network and to bring the data there may wait
        loop.train()
    return rows, Counter(device.waits)


def losses(rows: list[Row]) -> list[float]:
    return [row.loss for row in rows if isinstance(row, StepRow)]


def assert_same(found: list[Row], expected: list[Row]) -> None:
    """Row by row. Of histograms the number of values: one near an edge may fall into the next bin."""
    assert counted(found) == counted(expected)
    rows = [[row for row in given if not isinstance(row, HistogramRow)] for given in (found, expected)]
    for one, other in zip(*rows, strict=True):
        for name, value in asdict(other).items():
            if name not in TIMES:
                wanted = value if isinstance(value, str) else pytest.approx(value, rel=2e-4, abs=1e-7, nan_ok=True)
                assert getattr(one, name) == wanted, f"{type(one).__name__}.{name}: {one}"


def counted(rows: list[Row]) -> Counter[tuple[int, str]]:
    """Values in the histograms, by step and stage."""
    counts: Counter[tuple[int, str]] = Counter()
    for row in rows:
        if isinstance(row, HistogramRow):
            counts[row.step, row.name] += row.count
    return counts


@pytest.mark.parametrize("architecture", names_on_disk("architecture"))
def test_every_architecture_gives_the_rows_of_the_cpu_and_reads_once_a_logged_step(architecture: str) -> None:
    normalizer = "layer" if architecture in ("transformer", "vit") else "none"  # without one they blow rounding up
    words = (f"architecture={architecture}", f"normalizer={normalizer}", *MEASURED)
    found, waits = trained(*words, cuda=True)
    assert_same(found, trained(*words, cuda=False)[0])
    for place in KNOWN_AFTER_THE_FIRST:
        del waits[place]
    looks = dict.fromkeys(EACH_LOOK & waits.keys(), PROBED)
    # Every logged step reads the tape, whose losses are there by then, and the step before it and the end of the epoch.
    # A look reads the flow and, where there are units that may be dead, these.
    units = any(isinstance(row, LayerRow) and not math.isnan(row.dead_fraction) for row in found)
    each = {"monitor/readings.py:read": LOGGED + (1 + units) * PROBED, "training/tape.py:read": LOGGED + 2}
    assert waits == ONCE_A_TRAINING | looks | each


@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param(name, marks=[] if name in ("mlp", "resnet", "lstm", "transformer") else pytest.mark.slow)
        for name in names_on_disk("architecture")
    ],
)
def test_every_architecture_trains_in_bf16(architecture: str) -> None:
    words = (f"architecture={architecture}", "optimizer.lr=0.0001", "monitor.dense_steps=1", "monitor.every=null")
    words = (*words, "monitor.probe_every=null", "trainer.max_steps=2")
    exact = losses(trained(*words, cuda=False)[0])
    found = losses(trained(*words, "trainer.precision=bf16", cuda=True)[0])
    assert found == pytest.approx(exact, rel=0.1)
    assert found != exact, "with 8 bits of each factor some digit must differ"


@pytest.mark.parametrize("activation", names_on_disk("activation"))
def test_every_activation_is_measured_as_on_the_cpu(activation: str) -> None:
    words = ("architecture=mlp", f"activation={activation}", *MEASURED, "trainer.max_steps=1")
    assert_same(trained(*words, cuda=True)[0], trained(*words, cuda=False)[0])


@pytest.mark.parametrize("normalizer", names_on_disk("normalizer"))
def test_every_normalizer_is_measured_as_on_the_cpu(normalizer: str) -> None:
    words = ("architecture=plain_cnn", f"normalizer={normalizer}", *MEASURED, "trainer.max_steps=1")
    assert_same(trained(*words, cuda=True)[0], trained(*words, cuda=False)[0])


BARE = [
    *([f"optimizer={name}"] for name in names_on_disk("optimizer")),
    *([f"optimizer={name}", "schedule=cosine"] for name in names_on_disk("optimizer")),
    *([f"schedule={name}"] for name in names_on_disk("schedule")),
    *([f"schedule={name}", "schedule.warmup=0.4"] for name in ("constant", "cosine", "step")),
    *([f"trainer.clip_{way}=0.01"] for way in ("norm", "value", "adaptive")),
    ["trainer.micro_batches=4"],
    ["trainer.label_smoothing=0.1"],
    ["deterministic=true"],
    *([f"learning_rule={name}"] for name in names_on_disk("learning_rule")),
    *(
        ["architecture=transformer", "normalizer=layer", f"architecture.positions={name}"]
        for name in ("rotary", "learned")
    ),
    *(["architecture=lstm", f"images_as={reading}"] for reading in ("rows", "pixels", "permuted_pixels")),
]


@pytest.mark.parametrize("words", BARE, ids=" ".join)
def test_the_bare_step_never_waits_and_does_what_it_does_on_the_cpu(words: list[str]) -> None:
    found, waits = trained("monitor=off", *words, cuda=True)
    assert waits == ONCE_A_TRAINING
    assert_same(found, trained("monitor=off", *words, cuda=False)[0])


@pytest.mark.parametrize("optimizer", names_on_disk("optimizer"))
def test_fp16_waits_only_where_an_optimizer_has_no_fused_kernel(optimizer: str) -> None:
    words = (f"optimizer={optimizer}", "monitor=off")
    found, waits = trained(*words, "trainer.precision=fp16", cuda=True)
    fused = optimizer in ("sgd", "adam", "adamw")
    assert waits == ONCE_A_TRAINING | ({} if fused else {"training/precision.py:step": STEPS})
    exact = losses(trained(*words, cuda=True)[0])
    assert losses(found) == pytest.approx(exact, rel=0.01)
    assert losses(found) != exact


def test_momentum_begins_well_when_fp16_overflows_at_once() -> None:
    # The loss scale begins at 65536: the first step of this resnet is left out, and the weights stay as they are.
    words = ("architecture=resnet", "optimizer=sgd", "optimizer.momentum=0.9", "trainer.precision=fp16", "monitor=off")
    found = losses(trained(*words, cuda=True)[0])
    assert all(math.isfinite(loss) for loss in found)


@pytest.mark.parametrize(
    ("dataset", "short"),
    [
        ("adding", "length=12"),
        ("copy_memory", "delay=2"),
        ("parentheses", "test_length=20"),
        ("temporal_order", "length=20"),
        ("two_sequence", "length=12"),
    ],
)
def test_sequences_are_drawn_on_the_device(dataset: str, short: str) -> None:
    words = (f"dataset={dataset}", f"dataset.{short}", "architecture=lstm", *MEASURED)
    found, waits = trained(*words, cuda=True)
    assert "monitor/through_time.py:time_rows" in waits
    assert not [place for place in waits if place.startswith("data/")]
    assert_same(found, trained(*words, cuda=False)[0])


@pytest.mark.parametrize("architecture", ["alexnet", "lstm"])
def test_looking_leaves_the_random_numbers_of_the_device(architecture: str) -> None:
    dropout = "architecture.dropout=0.5"
    words = [f"architecture={architecture}", dropout, "activation=sigmoid" if architecture == "alexnet" else dropout]
    words += ["architecture.layers=2"] if architecture == "lstm" else []
    bare, looked = (trained(*words, *more, cuda=True)[0] for more in (["monitor=off"], MEASURED))
    assert losses(bare) == losses(looked)
    assert not any(math.isnan(loss) for loss in losses(bare))
