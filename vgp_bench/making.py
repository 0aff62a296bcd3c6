"""From a node of a config to what it names."""

import functools
from collections.abc import Callable
from typing import Any

from hydra.utils import instantiate


def make(option: dict[str, Any], *arguments: Any, **objects: Any) -> Any:
    """What a config node names, given the objects no config can hold; those reach the target as they are."""
    # Not as arguments of instantiate: it would turn tuples and dataclasses into config nodes.
    return instantiate({**option, "_partial_": True}, _convert_="all")(*arguments, **objects)


def factory(option: dict[str, Any]) -> Callable[[], Any]:
    """make(option), again and again: Hydra reads it once, which in a deep network is most of the time. What is nested
    in it would be shared by all: such an option is read anew each time."""
    if any(isinstance(value, dict | list) for value in option.values()):
        return functools.partial(make, option)
    factory: Callable[[], Any] = instantiate({**option, "_partial_": True}, _convert_="all")
    return factory
