"""Decay and ratio on sequences whose answer is known by hand."""

import math
from dataclasses import fields

import numpy as np
import pytest

from tests.made_runs import layer_row, layer_rows
from vgp_bench.records.rows import LayerRow
from vgp_bench.records.signal import (
    decay_per_layer,
    gradient_ratio,
    hidden_gradient,
    logged_steps,
    signal_figures,
)


def columns(rows):
    return {f.name: np.array([getattr(row, f.name) for row in rows]) for f in fields(LayerRow)}


@pytest.mark.parametrize("rho", [0.1413, 0.408, 1.0 + 1e-6, 1.211])
def test_exact_geometric_sequence(rho):
    depth = np.arange(1, 21)
    decay = decay_per_layer(depth, 3.0 * rho ** (20.0 - depth))
    assert decay.rho == pytest.approx(rho, rel=1e-9)
    assert decay.r2 == pytest.approx(1, abs=1e-6)
    assert decay.n == 16  # without the first three and the last one


def test_ends_are_left_out_from_eight_stages_on():
    inner = 0.5 ** np.arange(8.0, 0, -1)
    spoiled = inner.copy()
    spoiled[[0, 1, 2, -1]] = 1e9
    assert decay_per_layer(range(8), spoiled) == pytest.approx((0.5, 1, 4))
    seven = decay_per_layer(range(7), inner[:7])
    assert seven == pytest.approx((0.5, 1, 7))
    assert decay_per_layer(range(7), spoiled[:7]).rho != pytest.approx(0.5)


def test_factor_is_per_weight_layer_also_for_blocks_of_two():
    depth = np.array([1, 3, 5, 7, 9])
    assert decay_per_layer(depth, 0.5 ** (9.0 - depth)).rho == pytest.approx(0.5)


def test_noise_is_fitted_by_least_squares():
    # ln g = 0, 1, 0, 1 at depth 0..3: slope 0.2, residuals -.2 .6 -.6 .2 (sum of squares .8) of 1 in total
    decay = decay_per_layer(range(4), np.exp([0.0, 1, 0, 1]))
    assert decay == pytest.approx((math.exp(-0.2), 0.2, 4))


def test_zeros_and_nonfinite_values_are_left_out_of_the_fit():
    g = np.array([0.0, math.nan, 0.25, math.inf, 1.0])
    assert decay_per_layer(range(5), g) == pytest.approx((0.5, 1, 2))


@pytest.mark.parametrize("g", [[], [1.0], [0.0, 1.0], [0.0, 0.0, 0.0], [math.nan] * 9])
def test_fewer_than_two_usable_values_give_no_decay(g):
    decay = decay_per_layer(range(len(g)), g)
    assert math.isnan(decay.rho)
    assert math.isnan(decay.r2)


def test_flat_gradient_has_factor_one_and_no_r2():
    decay = decay_per_layer(range(5), [2.0] * 5)
    assert decay.rho == 1
    assert math.isnan(decay.r2)


@pytest.mark.parametrize(
    ("g", "ratio"),
    [([1e-6, 1.0, 2.0], 5e-7), ([0.0, 1.0], 0.0), ([0.0, 0.0], 0.0), ([math.inf, 2.0], math.inf)],
)
def test_gradient_ratio(g, ratio):
    assert gradient_ratio(g) == ratio
    assert np.isnan(gradient_ratio(g[:1]))  # the first of one is the last


def test_gradient_ratio_of_nothing_is_unknown():
    assert math.isnan(gradient_ratio([]))


def test_norms_with_nonfinite_values_left_out_do_not_pass_for_norms():
    rows = layer_rows([1.0, 2.0, 4.0])
    broken = layer_row(
        step=5, stage=0, kind="hidden", depth=1, activation_gradient_l2=1e-3, nonfinite_activation_gradients=7
    )
    depth, gradient = hidden_gradient(columns([*rows, broken]), "last")
    assert depth.tolist() == [1]
    assert gradient.tolist() == [math.inf]


def test_hidden_gradient_sorts_by_depth_and_skips_output_and_unmeasured_steps():
    rows = [*layer_rows([1.0, 2.0], step=0)[::-1], *layer_rows([3.0, 4.0], step=10)]
    rows += [layer_row(step=20, stage=i, kind="hidden", depth=1 + i, dead_fraction=0.5) for i in range(2)]
    layers = columns(rows)
    assert logged_steps(layers) == [0, 10]
    assert [a.tolist() for a in hidden_gradient(layers, "first")] == [[1, 2], [1, 2]]
    assert [a.tolist() for a in hidden_gradient(layers, "last")] == [[1, 2], [3, 4]]
    assert [a.tolist() for a in hidden_gradient(layers, 10)] == [[1, 2], [3, 4]]
    assert [a.tolist() for a in hidden_gradient(layers, 20)] == [[], []]


def test_signal_figures_at_the_first_and_last_logged_step():
    rows = layer_rows([0.25, 0.5, 1.0], step=0, dead_fraction=0.5, saturated_fraction=0.1)
    rows += layer_rows([1.0, 1.0, 2.0], step=10, saturated_fraction=0.3)
    rows += [layer_row(step=10, stage=9, kind="output", dead_fraction=1.0)]
    rows += [layer_row(step=12, stage=0, kind="hidden", dead_fraction=1.0)]  # after the last logged step
    figures = signal_figures(columns(rows))
    assert figures == pytest.approx(
        {
            "initial_gradient_ratio": 0.25,
            "initial_decay_per_layer": 0.5,
            "initial_decay_r2": 1.0,
            "initial_dead_fraction": 0.5,
            "initial_saturated_fraction": 0.1,
            "final_gradient_ratio": 0.5,
            "final_decay_per_layer": 2**-0.5,
            "final_decay_r2": 0.75,
            "final_dead_fraction": 0.5,  # the latest probe up to then was at step 0
            "final_saturated_fraction": 0.3,
        }
    )


def test_empty_table_gives_nan_throughout():
    assert all(math.isnan(value) for value in signal_figures(columns([])).values())
