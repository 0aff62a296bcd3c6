"""Every remedy's words make a run, for every architecture that it is offered for; what is far off goes back first."""

import itertools
import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from tests.composing import compose, names_on_disk, small_build
from vgp_bench.config import ComposedRun, config_dir
from vgp_bench.config_check import check
from vgp_bench.diagnosis.finding import Evidence, Symptom, Verdict
from vgp_bench.diagnosis.known import STANDARD_RATES, Known
from vgp_bench.diagnosis.remedies import general_remedies, remedies_for
from vgp_bench.doctor.words import changed

AXES = {"vanishing": ("depth", "time"), "exploding": ("", "depth", "time")}
WITHOUT_CAUSE = ("healthy", "plateau", "diverged", "undecided")
SEQUENCES = ("rnn", "irnn", "lstm", "gru", "transformer")
SLIPS = ["optimizer.lr=1e-8", "optimizer.weight_decay=0.5", "trainer.clip_norm=1e-6", "schedule=cosine"]


def symptom(verdict: Verdict, axis: Any = "", onset: int = 0, value: float = 1e-9) -> Symptom:
    return Symptom(verdict, Evidence.exact("something", value, 1.0), onset, axis)


def symptoms() -> list[tuple[Verdict, Symptom | None]]:
    found: list[tuple[Verdict, Symptom | None]] = []
    for verdict in get_args(Verdict):
        if verdict in WITHOUT_CAUSE:
            found.append((verdict, None))
            continue
        found += [(verdict, symptom(verdict, axis, onset)) for axis in AXES.get(verdict, ("",)) for onset in (0, 9)]
    return found


def known(composed: ComposedRun, time_steps: int = 0) -> Known:
    return Known(composed.choices, composed.config, time_steps)


def offered(composed: ComposedRun) -> set[tuple[str, ...]]:
    """Everything that is ever offered for this network."""
    of = known(composed, 64)
    remedies = [remedy for verdict, cause in symptoms() for remedy in remedies_for(verdict, cause, of)]
    return {remedy.overrides for remedy in (*remedies, *general_remedies(of)) if remedy.overrides}


def option_of(group: str, name: str) -> dict[str, Any]:
    return OmegaConf.to_container(OmegaConf.load(config_dir() / group / f"{name}.yaml"))  # type: ignore[return-value]


def overridden(composed: ComposedRun, overrides: tuple[str, ...]) -> ComposedRun:
    """What Hydra makes of the words, without its time: the option's file, or the key."""
    config, choices = dict(composed.config), dict(composed.choices)
    for word in overrides:
        key, _, value = word.partition("=")
        group, _, name = key.partition(".")
        if name:
            assert name in config[group], word
            config[group] = {**config[group], name: OmegaConf.create(f"value: {value}").value}
        else:
            option = option_of(group, value)
            old = config[group] if group == "architecture" else {}
            config[group] = {**option, **{k: v for k, v in old.items() if k in option and k != "_target_"}}
            choices[group] = value
    return ComposedRun(config, choices, " ".join(overrides))


@pytest.mark.parametrize("architecture", names_on_disk("architecture"))
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_every_remedy_makes_a_run(architecture: str, activation: str) -> None:
    composed = compose(f"architecture={architecture}", f"activation={activation}", *SLIPS, "device=cpu")
    words = offered(composed)
    assert len(words) > 5
    for overrides in words:
        run = overridden(composed, overrides)
        check(run)
        assert (run.config, run.choices) != (composed.config, composed.choices), f"{overrides} changes nothing"
        if activation == "relu" and any(word.startswith(("normalizer=", "architecture")) for word in overrides):
            small_build(run)


@pytest.mark.parametrize("words", ["architecture=rnn architecture.hidden=8", "architecture.depth=4 normalizer=none"])
def test_hydra_reads_their_words(words: str) -> None:
    mine = [*words.split(), "activation=tanh", "initializer=normal_01", "initializer.std=.3"]
    of = compose(*mine)
    causes = [symptom("vanishing", axis) for axis in ("depth", "time")]
    remedies = [
        remedy for cause in causes for remedy in remedies_for("vanishing", cause, known(of)) if remedy.overrides
    ]
    assert len(remedies) > 4
    for remedy in remedies:
        check(compose(*changed(mine, remedy.overrides)))


def first(verdict: Verdict, *words: str, axis: Any = "", onset: int = 0, value: float = 1e-9, steps: int = 0) -> str:
    of = known(compose(*words), steps)
    return " ".join(remedies_for(verdict, symptom(verdict, axis, onset, value), of)[0].overrides)


def test_what_is_far_off_goes_back() -> None:
    assert first("saturated", "initializer.gain=3.0") == "initializer.gain=1.414"
    assert first("dead units", "initializer.bias_mean=-4") == "initializer.bias_mean=0"
    assert first("dead units", "initializer=normal_01") == "initializer=he_normal"
    assert first("dead units", "optimizer.lr=5", onset=3) == "optimizer.lr=0.01"
    assert first("diverged", "optimizer=adam", "optimizer.lr=.5", onset=3) == "optimizer.lr=0.001"
    assert first("unstable", "optimizer.lr=.1") == "optimizer.lr=0.01"  # ten times the standard: a tenth of it
    assert first("unstable", "optimizer.lr=.2") == "optimizer.lr=0.02"
    assert first("vanishing", "optimizer.weight_decay=.5", axis="depth", onset=50) == "optimizer.weight_decay=0"


def test_a_sigmoid_goes_before_its_initialization() -> None:
    """Its slope is 1/4 at most: no weights mend that (Glorot & Bengio 2010)."""
    words = ("activation=sigmoid", "initializer=normal_01")
    assert first("saturated", *words) == "activation=relu initializer=he_normal"


def test_the_rate_is_set_from_the_measured_step() -> None:
    """Steps of 2e-6 of the weights: 500 times the rate makes them 1e-3; to a power of ten, 1000 times."""
    assert first("update too small", "optimizer.lr=4e-4", "optimizer.momentum=0", value=4e-6) == "optimizer.lr=0.04"
    (foreign,) = remedies_for("update too small", symptom("update too small", value=2e-6), Known())
    assert foreign.words.startswith("1000 times the learning rate")
    assert first("update too small", "optimizer.lr=.002", value=0.0) == "optimizer.lr=0.01"  # no step at all: the usual
    assert first("update too small", "optimizer.lr=1e-7", value=2e-6) == "optimizer.lr=0.01"  # far off: back to it
    assert first("update too small", "trainer.clip_norm=1e-6") == "trainer.clip_norm=1"
    assert first("update too small", "schedule=cosine") == "schedule=constant"


def test_a_rate_is_not_raised_to_what_would_be_called_a_slip() -> None:
    """1000 times .002 is 2, 200 times the usual rate of SGD: what is small there is the gradient, not the rate."""
    of = known(compose("optimizer.lr=.002"))
    found = remedies_for("update too small", symptom("update too small", value=2e-6), of)
    assert [remedy.overrides for remedy in found] == [("optimizer=adam", "optimizer.lr=0.001"), ("optimizer.lr=0.3",)]
    none_at_all = remedies_for("update too small", symptom("update too small", value=0.0), known(compose()))
    assert none_at_all[0].overrides == ("optimizer=adam", "optimizer.lr=0.001")
    (foreign,) = remedies_for("update too small", symptom("update too small", value=0.0), Known())
    assert foreign.words.startswith("a look at the optimizer: no weight moves")


def rates_offered(verdict: Verdict, rate: float, ratio: float) -> list[float]:
    """In their order, for steps of this ratio."""
    of = replace(known(compose("trainer.clip_norm=1")), update_ratio=ratio)
    of = replace(of, config={**of.config, "optimizer": {**of.config["optimizer"], "lr": rate}})
    words = [word for r in remedies_for(verdict, None, of) for word in r.overrides if len(r.overrides) == 1]
    return [float(word.partition("=")[2]) for word in words if word.startswith("optimizer.lr=")]


@pytest.mark.parametrize("power", [-4.9, -4.5, -4.4, -3.6, -3.0, -2.5])
def test_what_is_raised_is_not_lowered_again_to_where_it_was(power: float) -> None:
    """A tenth is the advice for an instability: it must not lead back to a rate that is then called too low."""
    rate, ratio = 1e-3, 10.0**power
    for raised in rates_offered("plateau", rate, ratio):
        (lowered, *_) = rates_offered("unstable", raised, ratio * raised / rate)
        assert lowered == pytest.approx(raised / 10)
        assert lowered > rate * 5
        assert rates_offered("plateau", lowered, ratio * lowered / rate) == []


def test_a_plateau_has_no_rate_to_try_without_a_reason() -> None:
    assert rates_offered("plateau", 0.01, 1e-3) == rates_offered("plateau", 0.01, math.nan) == []
    assert rates_offered("plateau", 0.01, 2e-2) == [0.001]
    assert rates_offered("plateau", 1e-4, 1e-6) == [0.1]


@pytest.mark.parametrize(("verdict", "axis"), [("exploding", "depth"), ("exploding", "time"), ("saturated", ""),
                                               ("dead units", "")])  # fmt: skip
def test_no_rate_mends_what_was_there_before_the_first_step(verdict: Verdict, axis: str) -> None:
    def words(onset: int, *more: str) -> list[tuple[str, ...]]:
        found = remedies_for(verdict, symptom(verdict, axis, onset), known(compose("architecture.depth=3", *more)))
        return [remedy.overrides for remedy in found]

    lower = ("optimizer.lr=0.001",)
    assert lower not in words(0)
    assert lower in words(9)
    slip = words(0, "optimizer.lr=5")
    assert slip[-1] == ("optimizer.lr=0.01",)  # it is one all the same, but it comes after what mends the signal
    assert words(9, "optimizer.lr=5")[0] == ("optimizer.lr=0.01",)


@pytest.mark.parametrize("verdict", ["exploding", "diverged"])
def test_a_network_that_starts_too_large_gets_another_start_and_then_a_lower_rate(verdict: Verdict) -> None:
    of = known(compose("initializer.gain=3.0"))
    found = [r.overrides for r in remedies_for(verdict, symptom(verdict, onset=1), of)]
    assert found[:2] == [("initializer.gain=1.414",), ("optimizer.lr=0.001",)]


def test_xavier_is_no_remedy_for_a_sigmoid_that_vanishes() -> None:
    """With weights of variance 1/n a sigmoid net settles at q = E phi(sqrt(q) z)^2, where the gradient keeps
    sqrt(E phi'^2) = .236 of its size a layer: after 10 layers less than a millionth."""
    z = np.linspace(-8, 8, 4001)
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    q = 1.0
    for _ in range(100):
        q = float(weight @ (1 / (1 + np.exp(-np.sqrt(q) * z))) ** 2)
    slope = 1 / (4 * np.cosh(np.sqrt(q) * z / 2) ** 2)
    kept = float(np.sqrt(weight @ slope**2))
    assert kept == pytest.approx(0.236, abs=5e-4)
    assert kept**10 < 1e-6
    for verdict in ("vanishing", "collapsed"):
        cause = symptom(verdict, "depth" if verdict == "vanishing" else "")
        for activation, offered_too in (("sigmoid", False), ("tanh", True)):
            of = known(compose(f"activation={activation}", "initializer=he_normal"))
            found = [remedy.overrides for remedy in remedies_for(verdict, cause, of)]
            assert (("initializer=xavier_normal",) in found) is offered_too
            assert ("normalizer=batch",) in found
            assert ("activation=relu",) in found


def overrides(verdict: Verdict, *words: str, axis: Any = "", onset: int = 0, steps: int = 64) -> list[str]:
    """All that are offered, in their order."""
    found = remedies_for(verdict, symptom(verdict, axis, onset), known(compose(*words), steps))
    return [" ".join(remedy.overrides) for remedy in found if remedy.overrides]


RNN = ("architecture=rnn", "activation=tanh")
ADAM = "optimizer=adam optimizer.lr=0.001"


def test_a_forget_gate_opens_for_as_long_as_the_sequences_are() -> None:
    """Chrono's biases go up to ln(T - 1), Tallec & Ollivier 2018; ln 3 = 1.1 is the first above Jozefowicz's 1."""
    forgets = ("architecture=lstm", "architecture.forget_bias=-6", "optimizer=adam")
    as_drawn = ("architecture=lstm", "optimizer=adam")
    assert overrides("vanishing", *RNN, "optimizer=adam", axis="time")[0] == "architecture=lstm architecture.chrono=64"
    assert overrides("vanishing", *as_drawn, axis="time")[0] == "architecture.chrono=64"
    long = "architecture.forget_bias=null architecture.chrono="  # both at once are refused
    assert overrides("vanishing", *forgets, axis="time")[0] == f"{long}64"
    assert overrides("vanishing", *forgets, axis="time", steps=4)[0] == f"{long}4"
    for steps in (0, 2, 3):
        assert overrides("vanishing", *forgets, axis="time", steps=steps)[0] == "architecture.forget_bias=1"
    composed = compose(*changed([*forgets], f"{long}64".split()))
    assert (composed.config["architecture"]["forget_bias"], composed.config["architecture"]["chrono"]) == (None, 64)


@pytest.mark.parametrize("word", ["chrono=20", "forget_bias=1", "forget_gate=false"])
def test_a_gate_that_is_open_or_not_there_is_not_opened(word: str) -> None:
    found = overrides("vanishing", "architecture=lstm", f"architecture.{word}", axis="time")
    assert not [words for words in found if "chrono" in words or "forget_bias" in words]


@pytest.mark.parametrize("architecture", ["rnn", "irnn"])
def test_gates_under_sgd_come_with_adam_first(architecture: str) -> None:
    """Its rate was chosen for a network without a gradient; Adam's step does not depend on the gradient's size."""
    lstm = "architecture=lstm architecture.chrono=64"
    words = (f"architecture={architecture}", "activation=relu")
    assert overrides("vanishing", *words, "optimizer=sgd", axis="time")[:2] == [f"{lstm} {ADAM}", lstm]
    for optimizer in ("adam", "adamw", "rmsprop"):
        found = overrides("vanishing", *words, f"optimizer={optimizer}", axis="time")
        assert found[0] == lstm
        assert f"{lstm} {ADAM}" not in found


def test_a_foreign_network_hears_of_gates_once() -> None:
    """Its optimizer is not known, so nobody can say whether a rate was chosen for it."""
    said = [remedy.words for remedy in remedies_for("vanishing", symptom("vanishing", "time"), Known(time_steps=64))]
    assert sum("LSTM" in words for words in said) == 1


def test_the_identity_is_clipped_and_needs_no_orthogonal_weights() -> None:
    """Le et al. 2015 clip; their recurrent weights are set after the initializer, which cannot change them."""
    irnn = ("architecture=irnn", "architecture.scale=2", "activation=relu")
    for verdict in ("vanishing", "exploding"):
        found = overrides(verdict, *irnn, axis="time")
        assert found[0] == "architecture.scale=1 trainer.clip_norm=1"
        assert not [words for words in found if "initializer" in words]
        assert overrides(verdict, *irnn, "trainer.clip_norm=5", axis="time")[0] == "architecture.scale=1"
    model = small_build(compose("architecture=irnn", "activation=relu", "initializer=orthogonal")).model
    (recurrent,) = (w for name, w in model.named_parameters() if name.endswith("hidden_to_hidden.weight"))
    assert torch.equal(recurrent, torch.eye(len(recurrent)))


def test_what_explodes_along_time_is_clipped_whatever_else_is_done() -> None:
    """A start that neither grows nor shrinks holds until the first steps (Pascanu et al. 2013)."""
    found = overrides("exploding", *RNN, "initializer=orthogonal", "initializer.gain=2.5", axis="time")
    assert found[:2] == ["initializer.gain=1 trainer.clip_norm=1", "trainer.clip_norm=1"]
    clipped = overrides("exploding", *RNN, "initializer=he_normal", "trainer.clip_norm=1", axis="time")
    assert clipped[0] == "initializer=orthogonal"
    right = overrides("exploding", *RNN, "initializer=orthogonal", axis="time")
    assert right[0] == "trainer.clip_norm=1"


def test_spikes_of_a_recurrent_network_are_clipped_before_the_rate_goes_down() -> None:
    """Pascanu et al. 2013; without recurrence a spike tells of the rate."""
    assert overrides("unstable", *RNN, onset=9)[:2] == ["trainer.clip_norm=1", "optimizer.lr=0.001"]
    assert overrides("unstable", onset=9)[:2] == ["optimizer.lr=0.001", "trainer.clip_norm=1"]
    assert overrides("unstable", *RNN, "optimizer.lr=5", onset=9)[0] == "optimizer.lr=0.01"  # a slip goes back first


def test_skips_keep_the_kind_of_network() -> None:
    assert first("vanishing", axis="depth") == "architecture=residual_mlp architecture.residual=rezero"
    cnn = ("architecture=plain_cnn",)
    assert first("vanishing", *cnn, axis="depth") == "architecture=resnet_preact architecture.residual=rezero"
    # with a normalizer the blocks need no scaling; where there are no skips, a normalizer comes first
    assert first("vanishing", *cnn, "normalizer=batch", axis="depth") == "architecture=resnet_preact"
    assert first("vanishing", "architecture=lenet5", axis="depth") == "normalizer=batch"
    assert first("exploding", axis="depth") == "normalizer=batch"


def test_a_healthy_run_has_none_and_a_foreign_network_words_without_overrides() -> None:
    assert remedies_for("healthy", None, known(compose())) == ()
    for verdict, cause in symptoms():
        found = remedies_for(verdict, cause, Known())
        assert bool(found) is (verdict not in ("healthy", "undecided"))
        assert all(not remedy.overrides for remedy in found)


def test_no_remedy_is_offered_twice() -> None:
    of = known(compose("activation=sigmoid", "initializer=normal_01", "optimizer.lr=5", "architecture.depth=3"))
    for verdict, cause in symptoms():
        words = [remedy.overrides for remedy in remedies_for(verdict, cause, of) if remedy.overrides]
        assert len(words) == len(set(words))
        for one, other in itertools.combinations(words, 2):
            assert sorted(one) != sorted(other)


def test_the_standard_rates_are_those_of_the_configs() -> None:
    for name in names_on_disk("optimizer"):
        assert STANDARD_RATES[name] == option_of("optimizer", name)["lr"]
