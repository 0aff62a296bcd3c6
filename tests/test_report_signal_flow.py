"""The lines a single run ends with."""

import math

import pytest

from tests.made_runs import layer_rows, make_run, mlp_config
from vgp_bench.records.reading import read_run
from vgp_bench.report.tables.signal_flow import BAR, bars, signal_flow, thinned


def test_each_stage_has_its_gradient_and_a_bar_on_a_log_scale(tmp_path):
    path = make_run(tmp_path, mlp_config(0), layers=layer_rows([1e-8, 1e-4, 1.0]))
    header, *lines = signal_flow(read_run(path)).splitlines()
    assert "step 0" in header
    assert [line.split()[1] for line in lines[:3]] == ["1.0e-08", "1.0e-04", "1.0e+00"]
    lengths = [line.count("#") for line in lines[:3]]
    assert lengths[0] == 1
    assert lengths[1] == pytest.approx((1 + BAR) / 2, abs=1)  # half the decades, half the bar
    assert lengths[2] == BAR


def test_a_flat_line_looks_flat_and_zero_is_not_lost():
    assert {len(bar) for bar in bars([1.0, 1.1, 0.9])} <= {BAR - 1, BAR}
    assert bars([0.0, 1.0, math.inf]) == ["0", "#" * BAR, "!"]
    assert bars([0.0, math.nan]) == ["0", "!"]


def test_a_gradient_that_is_not_finite_does_not_pass_for_a_vanished_one(tmp_path):
    rows = layer_rows([math.nan, math.inf, math.nan])
    path = make_run(tmp_path, mlp_config(0), layers=rows)
    assert [line.split()[1] for line in signal_flow(read_run(path)).splitlines()[1:4]] == ["inf"] * 3


def test_a_thousand_stages_fit_the_screen_with_both_ends():
    assert thinned(1000, 12)[0] == 0
    assert thinned(1000, 12)[-1] == 999
    assert len(set(thinned(1000, 12))) == 12
    assert thinned(3, 12) == [0, 1, 2]


def test_a_run_that_measured_nothing_shows_nothing(tmp_path):
    assert signal_flow(read_run(make_run(tmp_path, mlp_config(0), layers=[]))) == ""
