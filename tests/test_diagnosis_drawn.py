"""Networks drawn at random to score verdicts on: the draw, and the labels by hand from both sides of each limit."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.made_runs import layer_row, probe_rows
from tests.made_tables import epoch_rows, make_tables, step_rows, time_rows
from vgp_bench.composition import compose
from vgp_bench.config_check import check
from vgp_bench.records.reading import RunRecord, read_run
from vgp_bench.records.rows import LayerRow, Row

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from diagnosis_set.cases import Labelled  # noqa: E402
from diagnosis_set.drawing import FAMILIES, draw  # noqa: E402
from diagnosis_set.drawn_labels import label_drawn  # noqa: E402


def options(case: Labelled) -> dict[str, str]:
    return dict(word.split("=", 1) for word in case.words[2:])


def test_a_seed_gives_the_same_networks_however_many_and_another_seed_others() -> None:
    assert draw(1, 20)[:8] == draw(1, 8)
    assert [one.words for one, _ in draw(1, 8)] != [one.words for one, _ in draw(2, 8)]
    both = [case for pair in draw(1, 20) for case in pair]
    assert len({case.name for case in both}) == 40
    assert {case.part for case in both} == {"random"}
    assert {case.family for case in both} == set(FAMILIES)


@pytest.mark.parametrize("pair", draw(0, len(FAMILIES)), ids=lambda pair: pair[0].family)
def test_a_network_of_every_family_can_be_composed_and_cured(pair: tuple[Labelled, Labelled]) -> None:
    for case in pair:
        (run,) = compose(case.words)
        check(run)


def test_the_cured_network_has_the_size_and_the_data_of_the_drawn_one_and_the_usual_rest() -> None:
    for drawn, cured in draw(3, 40):
        one, other = options(drawn), options(cured)
        assert one.keys() <= other.keys()
        changed = {key for key in other if one.get(key) != other[key]}
        assert changed <= {*FAMILIES[drawn.family].cured}, drawn.name
        assert (other["optimizer"], other["optimizer.lr"], other["initializer.bias_mean"]) == ("adam", "0.003", "0.0")


def test_half_of_the_rates_are_usual_and_the_others_anywhere() -> None:
    usual = {"sgd": 0.05, "adam": 0.003, "rmsprop": 0.001, "adagrad": 0.02, "nadam": 0.003}
    drawn = [options(case) for case, _ in draw(0, 400)]
    factors = [math.log10(float(one["optimizer.lr"]) / usual[one["optimizer"]]) for one in drawn]
    assert -6.1 < min(factors) < -5
    assert 2 < max(factors) < 3.1
    # half within a root of ten either way; of the others, 1 in 9 as well
    assert sum(abs(factor) < 0.51 for factor in factors) / 400 == pytest.approx(0.5 + 0.5 / 9, abs=0.08)


# --- labels ---

CHANCE = 2.0
STEPS = 40


def run(
    folder: Path,
    seed: int,
    accuracy: float,
    *,
    layers: Sequence[LayerRow] = (),
    rows: Sequence[Row] = (),
    loss: float = CHANCE,
    start: float | None = None,
    state: str = "completed",
    activation: str = "tanh",
) -> RunRecord:
    """A run of one epoch that ends at this validation accuracy; in training it was at chance, .5."""
    losses = [loss if start is None else start, *[loss] * (STEPS - 1)]
    made = [*step_rows(losses), *epoch_rows([STEPS], [accuracy], [loss]), *layers, *rows]
    figures = {"chance_accuracy": 0.5, "chance_loss": CHANCE}
    path = make_tables(folder, {"seed": seed, "dataset": {}}, {"activation": activation}, made, state, **figures)
    return read_run(path)


def stages(*first_and_last: float, step: int = 0, update: float = 1e-2, **hidden: float) -> list[LayerRow]:
    """A hidden stage and the output with these gradients of the weights, the same at every tenth step."""
    kinds = ("hidden", "output")
    return [
        layer_row(step=at, stage=i, kind=kind, weight_gradient_l2=g, update_ratio=update, **(hidden if i == 0 else {}))
        for at in range(step, STEPS, 10)
        for i, (kind, g) in enumerate(zip(kinds, first_and_last, strict=True))
    ]


def labelled(tmp_path: Path, accuracy: float = 0.5, **keys: Any) -> Labelled | str:
    """The label of a run beside a cured one that gets all the way; or why there is none."""
    drawn, cured = (Labelled(name, "mlp", "digits", "healthy", (), "healthy") for name in ("drawn", "cured"))
    records = {"drawn": run(tmp_path, 0, accuracy, **keys), "cured": run(tmp_path, 1, 1.0)}
    found, left_out = label_drawn([(drawn, cured)], records)
    assert len(found) + len(left_out) == 1
    return found[0] if found else left_out["drawn"]


def answers(tmp_path: Path, **keys: Any) -> set[str]:
    case = labelled(tmp_path, **keys)
    assert isinstance(case, Labelled)
    assert case.kind == "faulty"
    return set(case.answers)


@pytest.mark.parametrize(
    ("accuracy", "kind"),
    # Half of what is above chance is 75 %, a quarter 62.5 %.
    [(0.76, "healthy"), (0.74, "neither learns nor does not: 0.48 of the cured network's way"), (0.62, "faulty")],
)
def test_a_network_learns_if_it_comes_half_as_far_as_the_cured_one(tmp_path: Path, accuracy: float, kind: str) -> None:
    case = labelled(tmp_path, accuracy)
    assert (case if isinstance(case, str) else case.kind) == kind


def test_where_the_cured_one_does_not_learn_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    drawn, cured = (Labelled(name, "mlp", "digits", "healthy", (), "healthy") for name in ("drawn", "cured"))
    records = {"drawn": run(tmp_path, 0, 0.5), "cured": run(tmp_path, 1, 0.64)}  # .28 of the way
    assert label_drawn([(drawn, cured)], records) == (
        [],
        {"drawn": "the same network cured does not learn either: 0.28 of the way"},
    )
    assert label_drawn([(drawn, cured)], {"drawn": records["drawn"]}) == ([], {})


def test_one_that_learns_with_a_textbook_symptom_is_a_look_alike(tmp_path: Path) -> None:
    case = labelled(tmp_path, 0.9, layers=stages(1.0, 1.0, dead_fraction=0.6))
    assert isinstance(case, Labelled)
    assert (case.kind, case.like, case.label) == ("look-alike", "dead units", "healthy")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"layers": stages(1.0, 1.0)}, {"plateau"}),
        ({"layers": stages(0.9e-3, 1.0)}, {"vanishing"}),
        ({"layers": stages(1.1e-3, 1.0)}, {"plateau"}),
        ({"layers": stages(71.0, 1.0)}, {"exploding"}),
        ({"layers": stages(69.0, 1.0)}, {"plateau"}),
        ({"layers": stages(1.0, 0.0)}, {"plateau"}),
        ({"layers": stages(1.0, 1.0, update=0.9e-4)}, {"update too small"}),
        ({"layers": stages(1.0, 1.0, dead_fraction=0.51)}, {"dead units"}),
        ({"layers": stages(1.0, 1.0, dead_fraction=0.5)}, {"plateau"}),
        ({"layers": stages(1.0, 1.0, saturated_fraction=0.51)}, {"saturated"}),
        ({"layers": stages(1.0, 1.0, saturated_fraction=0.51), "activation": "relu"}, {"plateau"}),
        ({"rows": time_rows([1.0, 0.1, 0.9e-3])}, {"vanishing"}),
        ({"rows": time_rows([1.0, 1e-4, 0.1])}, {"plateau"}),
        ({"rows": time_rows([1.0, 8.0, 71.0])}, {"exploding"}),
        ({"rows": probe_rows([1.0, 1.0], input_share=0.9e-3)}, {"collapsed"}),
        ({"rows": probe_rows([1.0, 1.0], input_share=1.1e-3)}, {"plateau"}),
        ({"rows": probe_rows([1.0, 1.0], saturated_units=0.51)}, {"saturated"}),
        ({"rows": probe_rows([1.0, 1.0], saturated_units=0.49)}, {"plateau"}),
        ({"loss": 2.1 * CHANCE, "start": CHANCE}, {"diverged", "unstable", "exploding"}),
        ({"loss": 1.9 * CHANCE, "start": CHANCE / 2}, {"plateau"}),
        ({"loss": 2.1 * CHANCE}, {"plateau"}),
        ({"state": "diverged"}, {"diverged", "unstable", "exploding"}),
        (
            {"layers": stages(1e-9, 1.0, update=1e-6), "rows": probe_rows([1.0], input_share=1e-9)},
            {"update too small", "vanishing", "collapsed"},
        ),
    ],
)
def test_what_a_textbook_would_call_it(tmp_path: Path, keys: dict[str, Any], expected: set[str]) -> None:
    assert answers(tmp_path, **keys) == expected


def test_it_is_measured_at_the_end_where_that_is_finite_else_before(tmp_path: Path) -> None:
    healed = [*stages(1e-9, 1.0)[:2], *stages(1.0, 1.0, step=10)]
    assert answers(tmp_path / "healed", layers=healed) == {"plateau"}
    broken = [*stages(1e-9, 1.0)[:2], *stages(math.nan, math.inf, step=10)]
    assert answers(tmp_path / "broken", layers=broken) == {"vanishing"}


def test_the_way_through_time_is_that_of_the_first_layer_and_of_the_better_direction(tmp_path: Path) -> None:
    fading, level = [1.0, 1e-2, 1e-4], [1.0, 1.0, 1.0]
    stack = [*time_rows(level, layer="1"), *time_rows(fading, layer="2")]
    assert answers(tmp_path / "stack", rows=stack) == {"plateau"}
    both = [*time_rows(fading, layer="1"), *time_rows(level, layer="1", direction="backward")]
    assert answers(tmp_path / "both", rows=both) == {"plateau"}
