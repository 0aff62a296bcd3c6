"""configs/dataset/*.yaml against the loaders they name: no key forgotten, no default that differs."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest
import yaml

CONFIGS = sorted((Path(__file__).parents[1] / "configs" / "dataset").glob("*.yaml"))


def test_the_image_data_sets_are_there() -> None:
    there = {path.stem for path in CONFIGS}
    assert there >= {"digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "image_folder"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_keys_and_values_are_those_of_the_loader(path: Path) -> None:
    values = yaml.safe_load(path.read_text())
    module, name = values.pop("_target_").rsplit(".", 1)
    parameters = inspect.signature(getattr(import_module(module), name)).parameters
    defaults = {key: parameter.default for key, parameter in parameters.items() if key != "data_dir"}
    assert values == defaults
    assert "data_dir" in parameters


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_header_says_what_it_is_and_where_from(path: Path) -> None:
    first, second = path.read_text().splitlines()[:2]
    assert first.startswith("# ")
    assert first.endswith(".")
    assert second.startswith("# Source: ")
