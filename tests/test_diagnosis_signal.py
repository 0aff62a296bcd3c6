"""The signal along depth and time: where it is lost or grows, since when, and what layers tell of it without probes."""

import math
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from tests.composing import compose, small_build
from tests.made_cases import losses_stuck, made_case
from vgp_bench.diagnosis.case import Case, empty_tables
from vgp_bench.diagnosis.judge import diagnose
from vgp_bench.diagnosis.reach import reach, reach_of, span_of
from vgp_bench.diagnosis.signal_looks import signal_looks
from vgp_bench.diagnosis.trend import least_squares
from vgp_bench.records.rows import TABLES, Row


def test_a_line_has_the_interval_of_students_t() -> None:
    """(0, 0), (1, 1), (2, 1): slope 1/2; residuals -1/6, 1/3, -1/6: its error is sqrt(1/6 / 1 / 2); t(1) = 12.7062."""
    line = least_squares([0, 1, 2], [0, 1, 1])
    margin = 12.7062 * math.sqrt(1 / 12)
    assert line == pytest.approx((0.5, 0.5 - margin, 0.5 + margin), abs=1e-4)
    assert np.isnan(least_squares([0, 1], [0, 1])).all()


def test_reach_and_span_of_a_geometric_fall() -> None:
    assert reach_of([1.0, 10.0], 2.0).tolist() == [0.5, 5.0]
    assert np.isnan(reach_of([1.0, 10.0], 0.0)).all()
    assert span_of([1e-4, 1e-3, 1e-2, 1e-1]) == pytest.approx((3, 3, 3))
    assert span_of([0.0, 1e-3, 1e-2, 1e-1]).slope == pytest.approx(3)  # of four stages, one of them unknown


def exploding(sample_gradients: list[float], sensitivity: list[float]) -> Any:
    stages = [{"sensitivity": s, "sample_gradient": g} for s, g in zip(sensitivity, sample_gradients, strict=True)] + [
        {}
    ]
    cause = diagnose(made_case(losses_stuck(), stages=stages)).cause
    assert cause is not None
    assert (cause.verdict, cause.axis) == ("exploding", "depth")
    return cause


def test_an_explosion_is_named_where_it_grows_most() -> None:
    """A homogeneous net has the same reach at every stage: what tells them apart is ||dL/dh_l-1|| / ||dL/dh_l||."""
    level = [1e6] * 10
    assert exploding([1e6] * 4 + [1.0] * 6, level).stage == 4
    assert exploding([3.0 ** (9 - stage) for stage in range(10)], level).stage == 0  # no stage alone: from the first on
    uneven = [1e6 * (1 + 1e-9 * stage) for stage in range(10)]
    assert exploding([1.0] * 10, uneven).stage == 0  # not the last, though its reach is greatest
    assert exploding([1.0] * 10, [1.0] * 6 + [1e6] * 4).stage == 6


def times(at: dict[int, float]) -> Case:
    """30 lags; the gradient shrinks by this factor a step at each of these probed steps."""
    case = made_case(losses_stuck(), times=[1.0] * 30, probed=list(at))
    table = {name: np.array(values) for name, values in case.tables["times"].items()}
    table["state_gradient_l2"] = np.concatenate([factor ** np.arange(30.0) for factor in at.values()])
    return replace(case, tables={**case.tables, "times": table})


def test_a_forgotten_past_is_dated_and_as_far_back_as_it_always_was() -> None:
    """.5^10 and .2^5 are the first powers below 1e-3: from step 10 on, 10 time steps back are lost at every look."""
    cause = diagnose(times({0: 0.99, 10: 0.5, 20: 0.2})).cause
    assert cause is not None
    assert (cause.axis, cause.onset, cause.lag) == ("time", 10, 10)
    assert cause.evidence.value == pytest.approx(0.2**29)
    between = diagnose(times({0: 0.5, 10: 0.99, 20: 0.2})).cause
    assert between is not None
    assert (between.onset, between.lag) == (20, 5)


LAYER = {"activation_mean": 3.0, "activation_std": 4.0, "activation_gradient_l2": 0.2, "activation_gradient_rms": 0.02}


def layers_only(stages: list[dict[str, float]], steps: tuple[int, ...] = (0,), batch: int | None = 4) -> Case:
    """A run whose monitor took no probes, in batches of 4 inputs; the output's gradient has norm 1."""
    case = made_case(losses_stuck(), layers=[{}] * (len(stages) + 1), probed=steps)
    table = dict(case.tables["layers"])
    for name, value in LAYER.items():
        output = 1.0 if name == "activation_gradient_l2" else value
        table[name] = np.tile([*(stage.get(name, value) for stage in stages), output], len(steps))
    config = {"trainer": {"batch_size": batch}} if batch else {}
    return replace(case, tables={**case.tables, "layers": table}, config=config)


def test_a_table_of_layers_gives_the_reach_of_the_batch() -> None:
    """100 values of root mean square 5: ||h|| = 50. ||dL/dh|| = .2, so S = 10; E ||dL_i/dy|| = sqrt(4) 1. Reach: 5."""
    (look,) = signal_looks(layers_only([{}] * 3))
    assert reach(look) == pytest.approx([5.0] * 3)
    (unknown,) = signal_looks(layers_only([{}] * 3, batch=None))
    assert np.isnan(reach(unknown)).all()


def fading(factor: float) -> list[dict[str, float]]:
    scales = [factor ** (9 - stage) for stage in range(10)]
    return [{"activation_gradient_l2": 0.2 * s, "activation_gradient_rms": 0.02 * s} for s in scales]


@pytest.mark.parametrize(
    ("factor", "label"), [(0.1, "vanishing (depth)"), (1.0, "plateau"), (10.0, "exploding (depth)")]
)
def test_without_probes_the_layers_are_judged(factor: float, label: str) -> None:
    assert diagnose(layers_only(fading(factor))).label == label
    assert diagnose(made_case(losses_stuck(), stages=[{}] * 11)).label == "plateau"


def test_a_step_at_which_nothing_is_finite_any_more_does_not_hide_what_was_before() -> None:
    case = layers_only(fading(10.0), steps=(0, 10))
    table = {name: np.array(values) for name, values in case.tables["layers"].items()}
    table["activation_gradient_l2"][11:] = math.inf
    assert diagnose(replace(case, tables={**case.tables, "layers": table})).label == "exploding (depth)"


@pytest.mark.parametrize(
    "words", [["activation=relu"], ["activation=sigmoid"], ["activation=tanh", "initializer.gain=3.0"]]
)
def test_the_reach_of_a_batch_is_that_of_the_probe_set(words: list[str]) -> None:
    """Within a factor of two at the start of a real training, over many decades of it."""
    loop = small_build(
        compose("architecture.depth=10", "architecture.width=32", *words, "monitor=every_step", "trainer.max_steps=1")
    )
    rows: list[Row] = []
    loop.sink = rows.append
    loop.train()
    tables: dict[str, Any] = empty_tables()
    for name in ("steps", "layers", "probes"):
        found = [asdict(row) for row in rows if isinstance(row, TABLES[name])]
        tables[name] = {column: np.array([row[column] for row in found]) for column in found[0]}
    size = round(
        float((tables["layers"]["activation_gradient_l2"] / tables["layers"]["activation_gradient_rms"])[-1] ** 2) / 10
    )
    config = {"trainer": {"batch_size": size}}
    probed = reach(signal_looks(Case(tables, config=config))[0])
    batch = reach(signal_looks(Case({**tables, "probes": empty_tables()["probes"]}, config=config))[0])
    assert np.abs(np.log2(batch / probed)).max() < 1
