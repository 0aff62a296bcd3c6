"""From config to objects: the same config is the same network, and objects arrive as they are."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.composing import compose, names_on_disk, small_build
from vgp_bench.building import load_data, resolve_device, settled
from vgp_bench.errors import ConfigError
from vgp_bench.making import make
from vgp_bench.records.identity import run_id
from vgp_bench.training.clipping import AdaptiveClipping, Clipping, NormClipping, ValueClipping


def weights(*words: str) -> torch.Tensor:
    return nn.utils.parameters_to_vector(small_build(compose(*words)).model.parameters()).detach()


@pytest.mark.parametrize("initializer", ["he_normal", "lsuv", "pytorch_default", "orthogonal"])
def test_the_same_config_is_the_same_network_to_the_bit(initializer: str) -> None:
    word = f"initializer={initializer}"
    torch.manual_seed(1)
    first = weights(word)
    torch.manual_seed(2)
    torch.rand(100)
    assert torch.equal(weights(word), first), "what was drawn before must not matter"
    assert not torch.equal(weights(word, "seed=1"), first)


@pytest.mark.parametrize("word", ["monitor=off", "monitor.probe_images=7", "schedule=cosine", "trainer.max_steps=3"])
def test_what_is_no_part_of_the_network_does_not_change_it(word: str) -> None:
    assert torch.equal(weights(word), weights())


@pytest.mark.parametrize("initializer", names_on_disk("initializer"))
def test_what_is_measured_does_not_change_how_any_initializer_begins(initializer: str) -> None:
    words = [f"initializer={initializer}"]
    if initializer == "delta_orthogonal":  # for convolutions only
        words += ["architecture=plain_cnn", "activation=tanh"]
    if initializer == "rbm":  # for sigmoid units only
        words += ["activation=sigmoid", "initializer.epochs=1"]
    off, *measured = (
        weights(*words, *monitor)
        for monitor in (["monitor=off"], ["monitor=default"], ["monitor=every_step"], ["monitor.probe_images=7"])
    )
    assert all(torch.equal(begun, off) for begun in measured)


@pytest.mark.parametrize(
    "words", [["architecture=mlp"], ["architecture=lstm", "architecture.hidden=8"]], ids=["images", "sequences"]
)
def test_every_seed_is_probed_with_the_same_inputs(words: list[str]) -> None:
    one, other = (small_build(compose(*words, f"seed={seed}")).monitor.probe for seed in (0, 1))
    assert one is not None
    assert other is not None
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.targets, other.targets)


def test_building_changes_no_config() -> None:
    composed = compose("optimizer=adam")
    before = copy.deepcopy(composed.config)
    small_build(composed)
    assert composed.config == before


class Keeper:
    def __init__(self, *arguments: Any, shares: list[float], inner: Any = None, handed: Any = None) -> None:
        self.arguments, self.shares, self.inner, self.handed = arguments, shares, inner, handed


def test_make_hands_objects_over_as_they_are_and_builds_what_is_nested() -> None:
    parameters, handed = [nn.Parameter(torch.zeros(1))], (1, 2)
    option = {"_target_": f"{__name__}.Keeper", "shares": [0.5], "inner": {"_target_": "torch.nn.ReLU"}}
    made = make(option, parameters, handed=handed)
    assert made.arguments[0] is parameters
    assert made.handed is handed
    assert type(made.shares) is list
    assert isinstance(made.inner, nn.ReLU)


def test_an_optimizer_whose_file_gives_no_rate_has_its_own() -> None:
    composed = compose()
    composed.config["optimizer"] = {"_target_": "torch.optim.SGD"}
    assert small_build(composed).optimizer.param_groups[0]["lr"] == 1e-3  # torch's default


def test_what_the_optimizer_refuses_is_a_mistake_in_the_config() -> None:
    with pytest.raises(ConfigError, match=r"^optimizer\.momentum=-1: Invalid momentum value: -1$"):
        small_build(compose("optimizer.momentum=-1"))


@pytest.mark.parametrize(
    ("key", "kind"), [("clip_norm", NormClipping), ("clip_value", ValueClipping), ("clip_adaptive", AdaptiveClipping)]
)
def test_each_key_clips_in_its_own_way(key: str, kind: type[Clipping]) -> None:
    assert type(small_build(compose(f"trainer.{key}=0.5")).step.clipping) is kind


def test_the_optimizer_has_every_parameter_once() -> None:
    loop = small_build(compose("architecture=resnet_preact", "normalizer=batch", "activation=prelu"))
    held = [id(p) for group in loop.optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in loop.model.parameters())
    assert len(set(held)) == len(held)


def test_runs_of_a_sweep_share_their_data() -> None:
    option = '{"_target_": "vgp_bench.data.digits.load", "train_size": %d}'
    cpu = torch.device("cpu")
    assert load_data(option % 10, "data", cpu) is load_data(option % 10, "data", cpu)
    assert len(load_data(option % 20, "data", cpu).train) == 20


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == "cpu"
    assert resolve_device("cpu") == "cpu"
    with pytest.raises(ConfigError, match="torch sees no CUDA device here"):
        resolve_device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [resolve_device(name) for name in ("auto", "cpu", "cuda", "cuda:1")] == ["cuda", "cpu", "cuda", "cuda:1"]
    for name in ("cuda:2", "cuda:x", "cuda:-1"):
        with pytest.raises(ConfigError, match=f"^device={name}: there are 2 CUDA devices, counted from 0$"):
            resolve_device(name)


def test_data_dir_reaches_the_loader(tmp_path: Path) -> None:
    composed = compose("dataset=image_folder", "dataset.folder=photos", f"data_dir={tmp_path}")
    with pytest.raises(Exception, match=f"image folder {tmp_path}/photos does not exist"):
        small_build(composed)


def test_a_default_written_out_is_the_same_run() -> None:
    def id_of(*words: str) -> str:
        return run_id(settled(compose("architecture=rnn", *words).config))

    assert id_of() == id_of("images_as=rows") != id_of("images_as=pixels")
    assert settled(compose("architecture=mlp").config)["images_as"] is None
