"""What `vgp-bench probe` measures, against autograd twins, explicit loops and closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.composing import compose, small_build
from vgp_bench.architectures.stages import Stage
from vgp_bench.data.objectives import Classification, Regression
from vgp_bench.monitor.flow import flow_rows
from vgp_bench.monitor.probing import Probe
from vgp_bench.probe.batch_mates import mixes_inputs, noise_of_batch_mates
from vgp_bench.probe.first_steps import go
from vgp_bench.probe.jacobian import INPUTS, MOST_OUTPUTS, spectrum
from vgp_bench.probe.looking import look
from vgp_bench.probe.measuring import loop_of, start_of
from vgp_bench.probe.noise import MICRO_BATCHES, signals_to_noise
from vgp_bench.probe.profile import reaches, span
from vgp_bench.probe.rates import trials_ahead
from vgp_bench.probe.trial import STEPS, trial


def singular_values(function, x):
    """Of the Jacobian of one input's logits, by torch's own slow way."""
    jacobian = torch.autograd.functional.jacobian(function, x)
    return torch.linalg.svdvals(jacobian.reshape(jacobian.shape[0], -1)).numpy()


def test_the_spectrum_is_that_of_the_jacobian_of_each_input() -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    x = torch.randn(9, 6)
    found = spectrum(model, x)
    twin = model.double()
    expected = [singular_values(lambda one: twin(one[None])[0], row.double()) for row in x[:INPUTS]]
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)
    assert found.outputs == 3


def test_an_orthogonal_linear_net_is_a_dynamical_isometry() -> None:
    # Saxe et al. 2014, section 3: every singular value is 1 at any depth. 64 pixels, 64 units: all maps square but one.
    words = ["architecture.depth=30", "architecture.width=64", "activation=identity", "initializer=orthogonal"]
    loop = small_build(compose(*words))
    np.testing.assert_allclose(spectrum(loop.model, loop.monitor.probe.inputs).values, 1.0, rtol=1e-4)


def test_under_batch_normalization_only_the_own_logits_of_an_input_are_followed() -> None:
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    x = torch.randn(16, 4)
    before = model[1].running_mean.clone()
    found = spectrum(model, x)
    assert torch.equal(model[1].running_mean, before)
    twin, batch = model.double(), x.double()

    def own(index):
        return lambda one: twin(torch.cat([batch[:index], one[None], batch[index + 1 :]]))[index]

    expected = [singular_values(own(index), batch[index]) for index in range(INPUTS)]
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)


def test_of_many_logits_the_first_rows_and_of_many_answers_the_last() -> None:
    class Sequences(nn.Module):
        def forward(self, x):
            return x.cumsum(1)  # (n, length, features)

    many = nn.Linear(50, 40, bias=False)
    found = spectrum(many, torch.randn(5, 50))
    assert found.outputs == 40
    expected = torch.linalg.svdvals(many.weight.detach().double()[:MOST_OUTPUTS])
    np.testing.assert_allclose(found.values, expected.expand(INPUTS, -1), rtol=1e-9)
    # d(x_1 + ... + x_9)/dx: nine identities side by side.
    np.testing.assert_allclose(spectrum(Sequences(), torch.randn(4, 9, 2)).values, 3.0, rtol=1e-12)


def test_a_jacobian_that_is_not_finite_has_no_singular_values() -> None:
    model = nn.Linear(2, 2)
    nn.init.constant_(model.weight, math.inf)
    assert np.isnan(spectrum(model, torch.ones(4, 2)).values).all()


def test_signal_to_noise_is_that_of_an_explicit_loop_over_micro_batches() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    stages = [Stage("first", model[0], 1), Stage("second", model[2], 2, "output")]
    x, y = torch.randn(8 * 5 + 3, 4), torch.randint(3, (43,))  # the last three make no whole micro-batch
    found = signals_to_noise(model, stages, Probe(x, y, Classification()))
    for stage, value in zip(stages, found, strict=True):
        rows = []
        for first in range(0, 40, 5):
            model.zero_grad()
            F.cross_entropy(model(x[first : first + 5]), y[first : first + 5]).backward()
            rows.append(stage.module.weight.grad.double().flatten().numpy().copy())
        gradients = np.stack(rows)
        noise = np.trace(np.cov(gradients.T)) / MICRO_BATCHES
        assert value == pytest.approx(np.sum(gradients.mean(0) ** 2) / noise - 1, rel=1e-5)


def test_a_gradient_without_signal_has_none_and_equal_micro_batches_have_no_noise() -> None:
    model = nn.Linear(2000, 1, bias=False)
    nn.init.zeros_(model.weight)
    stages = [Stage("only", model, 1, "output")]
    x = torch.randn(512, 2000)
    y = torch.randn(512)
    y -= y.mean()
    (nothing,) = signals_to_noise(model, stages, Probe(x, y, Regression()))
    assert abs(nothing) < 0.2  # 8 micro-batches of 2000 values: standard deviation .03
    (clear,) = signals_to_noise(model, stages, Probe(x[:4].repeat(8, 1), y[:4].repeat(8), Regression()))
    assert clear > 1e6
    (few,) = signals_to_noise(model, stages, Probe(x[:9], y[:9], Regression()))
    assert math.isnan(few)


@pytest.mark.parametrize("size", [8, 32])
def test_the_noise_of_batch_statistics_is_the_closed_form(size: int) -> None:
    # (x - m) / s of n normal values: Var m = 1/n, Var s = 1/2n: together (1 + x^2 / 2) / n, 1.5 / n in the mean.
    model = nn.BatchNorm1d(1)
    assert mixes_inputs(model)
    noise = noise_of_batch_mates(model, torch.randn(4096, 1), size)
    assert noise == pytest.approx(math.sqrt(1.5 / size), rel=0.1 + 2 / size)


def test_without_batch_statistics_batch_mates_say_nothing() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    assert not mixes_inputs(model)
    assert noise_of_batch_mates(model, torch.randn(64, 4), 8) < 1e-6
    assert math.isnan(noise_of_batch_mates(model, torch.randn(6, 4), 8))


def test_a_look_sees_what_a_run_would_record_and_leaves_no_trace() -> None:
    loop = small_build(compose("normalizer=batch", "architecture.depth=4"))
    model, probe = loop.model.train(), loop.monitor.probe
    state = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    found = look(model, probe, 7)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert repr(found.probes) == repr(flow_rows(model, model.stages(), probe, 7))  # NaN is not equal to itself
    loss = F.cross_entropy(model(probe.inputs), probe.targets)
    loss.backward()
    norm = math.sqrt(sum(float(p.grad.double().square().sum()) for p in model.parameters()))
    assert found.loss == pytest.approx(float(loss.detach()), rel=1e-5)
    assert found.gradient_l2 == pytest.approx(norm, rel=1e-4)
    assert all(math.isnan(row.update_ratio) for row in found.layers)  # no step was taken
    assert all(row.weight_gradient_l2 > 0 for row in found.layers)


def test_reach_and_span_of_known_sensitivities() -> None:
    found = look(*_small(), 0)
    rows = [replace(row, sensitivity=10.0**place, sample_gradient=4.0) for place, row in enumerate(found.probes)]
    made = replace(found, probes=rows)
    assert reaches(made) == pytest.approx([10.0**place / 4 for place in range(len(rows))])
    assert span(made) == pytest.approx(2)  # of three hidden stages
    assert math.isnan(span(replace(made, probes=rows[1:])))
    lost = replace(made, probes=[replace(rows[0], sensitivity=0.0), *rows[1:]])
    assert span(lost) == math.inf
    certain = replace(made, probes=[*rows[:-1], replace(rows[-1], sample_gradient=0.0)])
    assert all(math.isnan(value) for value in reaches(certain))


def _small():
    loop = small_build(compose("architecture.depth=3"))
    return loop.model.train(), loop.monitor.probe


def test_the_trial_takes_the_runs_own_steps_and_tells_how_far_they_went() -> None:
    composed = compose("architecture.depth=3", "optimizer.momentum=0.9", "schedule=cosine")
    loop, twin = small_build(composed), small_build(composed)
    found = trial(loop, loop.model, loop.monitor.probe)
    x = twin.monitor.probe.inputs
    model, stages = twin.model.train(), twin.model.stages()
    weights = [stage.weights()[0].detach().clone() for stage in stages]
    logits = model(x).detach()
    losses, batches = [], [batch for epoch in range(9) for batch in twin.batches.epoch(epoch)]
    for inputs, targets in batches[:STEPS]:
        twin.optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        losses.append(float(loss.detach()))
        twin.optimizer.step()
        twin.schedule.step()
    assert [row.loss for row in found.steps.steps] == pytest.approx(losses, rel=1e-5)
    for stage, before, moved in zip(stages, weights, found.moved, strict=True):
        w, after = before.double().flatten().numpy(), stage.weights()[0].detach().double().flatten().numpy()
        beside = np.linalg.lstsq(w[:, None], after, rcond=None)[1]  # what is left of `after` beside any multiple of w
        assert moved == pytest.approx(math.sqrt(float(beside[0])) / np.linalg.norm(w), rel=1e-3)
    after = model(x).detach()
    told = [float((values - values.mean(0)).square().mean().sqrt()) for values in (after - logits, after)]
    assert found.told_apart == pytest.approx(min(told), rel=1e-3)
    assert [row.step for row in found.steps.layers] == [0] * len(stages)


def test_weights_that_only_shrink_have_not_moved_and_logits_that_go_out_tell_nothing_apart() -> None:
    """Weight decay alone: a step leaves 1 - lr x decay of W, and a hundredth of it ten times over is nothing."""
    words = ["architecture.depth=3", "optimizer.momentum=0", "initializer.bias_mean=0"]
    shrunk = small_build(compose(*words, "optimizer.lr=1e-9", "optimizer.weight_decay=1e8"))
    found = trial(shrunk, shrunk.model, shrunk.monitor.probe)
    assert max(found.moved) < 1e-6
    gone = small_build(compose(*words, "optimizer.lr=1e-9", "optimizer.weight_decay=9.9e8"))
    assert trial(gone, gone.model, gone.monitor.probe).told_apart < 1e-6


def test_what_begins_at_zero_has_moved_by_all_of_itself() -> None:
    words = ["architecture=residual_mlp", "architecture.depth=3", "architecture.residual=zero_init"]
    loop = small_build(compose(*words))
    moved = trial(loop, loop.model, loop.monitor.probe).moved
    assert moved[1] == pytest.approx(1.0)


def test_steps_go_on_where_the_trial_ended_and_stop_with_the_run() -> None:
    loop = small_build(compose("architecture.depth=2"), max_steps=17)
    trial(loop, loop.model, loop.monitor.probe)
    assert [row.step for row in go(loop, 14).steps] == [10, 11, 12, 13]
    assert [row.step for row in go(loop, 99).steps] == [14, 15, 16]


def test_a_loss_that_leaves_the_finite_ends_the_steps_with_the_reason() -> None:
    loop = small_build(compose("architecture=residual_mlp", "architecture.depth=30", "optimizer.lr=1e30"))
    assert go(loop, 20).diverged.startswith("the loss is ")


def test_rates_ahead_count_the_warm_up() -> None:
    constant = compose().config
    assert trials_ahead(constant, 90, 10) == pytest.approx(9.0)
    # A rise over 20 of 100 steps, 1/20, 2/20 ... 1: the first ten have 5.5/2 of the rate, all of them 10.5 + 80.
    warm = compose("schedule.warmup=0.2").config
    assert trials_ahead(warm, 100, 10) == pytest.approx(90.5 / 2.75)


def test_the_probe_set_is_there_whatever_the_monitor_measures() -> None:
    words = ["monitor=off", "architecture.depth=2", "architecture.width=8"]
    composed = compose(*words, "device=cpu")
    start = start_of(composed, loop_of(composed))
    assert len(start.look.probes) == 3
    assert start.predicted == pytest.approx(1.0)  # ReLU, He: chi_1 = 1
    assert start.input_std == pytest.approx(1.0, abs=0.1)
