"""optimizer.step(closure): the optimizer calls the forward and backward pass itself, as often as it likes."""

from collections.abc import Callable
from typing import Any

Closure = Callable[[], Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def closure_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Closure | None:
    """What step() was given to call; args: as a hook of an optimizer gets them, the optimizer first."""
    closure: Closure | None = kwargs.get("closure", args[1] if len(args) > 1 else None)
    return closure


def with_closure(args: tuple[Any, ...], kwargs: dict[str, Any], closure: Closure) -> Arguments:
    """The arguments with this one in the place of theirs."""
    if "closure" in kwargs:
        return args, {**kwargs, "closure": closure}
    return (args[0], closure, *args[2:]), kwargs
