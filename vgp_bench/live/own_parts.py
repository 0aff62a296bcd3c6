"""What a user names as `package.module:function`: found, called, and checked, each mistake told in one line."""

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from vgp_bench.errors import ConfigError, DataError

Batch = tuple[Any, Tensor]
Loss = Callable[[Any, Tensor], Tensor]


def load_model(words: str) -> nn.Module:
    """The model that the named function (or class) makes. Raises ConfigError if it makes none."""
    model = _made(words, "MODEL")
    if not isinstance(model, nn.Module):
        raise ConfigError(f"{words} gave a {type(model).__name__}: it must return an nn.Module")
    return model


def load_batches(words: str) -> Iterable[Batch]:
    """The batches that the named function gives. Raises ConfigError or DataError if they are not pairs."""
    batches = _made(words, "--data")
    try:
        first = next(iter(batches))
    except TypeError:
        what = type(batches).__name__
        raise ConfigError(f"{words} gave a {what}: it must return batches, a DataLoader or a list") from None
    except StopIteration:
        raise DataError(f"{words} gave no batch") from None
    if not (isinstance(first, tuple | list) and len(first) == 2 and isinstance(first[1], Tensor)):
        raise DataError(f"{words}: a batch is a pair (inputs, targets) of tensors, not a {type(first).__name__}")
    if iter(batches) is batches:
        raise ConfigError(f"{words} gave an iterator, which ends after one pass: return a DataLoader or a list")
    return batches  # type: ignore[no-any-return]


def load_loss(words: str | None) -> Loss:
    """The named function of (outputs, targets); without a name cross-entropy, or squared error of real targets."""
    return _usual_loss if words is None else _named(words, "--loss")


def _usual_loss(outputs: Any, targets: Tensor) -> Tensor:
    if not isinstance(outputs, Tensor):
        raise ConfigError(f"the model returns a {type(outputs).__name__}: say with --loss how a loss is made of it")
    if targets.is_floating_point():
        return F.mse_loss(outputs, targets)
    return F.cross_entropy(outputs.flatten(0, -2), targets.flatten())


def _made(words: str, what: str) -> Any:
    function = _named(words, what)
    try:
        return function()
    except Exception as error:
        raise ConfigError(f"{words}() raised {_in_a_line(error)}") from error


def _named(words: str, what: str) -> Callable[..., Any]:
    path, colon, name = words.partition(":")
    if not (path and colon and name):
        raise ConfigError(f"{what} {words}: write it as package.module:function")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not (path == error.name or path.startswith(f"{error.name}.")):
            raise ConfigError(f"{what} {words}: {path} imports {error.name}, which is not installed") from error
        raise ConfigError(f"{what} {words}: there is no module {path} in {os.getcwd()} or installed") from error
    except Exception as error:
        raise ConfigError(f"{what} {words}: importing {path} raised {_in_a_line(error)}") from error
    known = vars(found)
    if name not in known:
        raise ConfigError(f"{what} {words}: {path} has no {name}")
    if not callable(known[name]):
        raise ConfigError(f"{what} {words}: {name} is a {type(known[name]).__name__}, not a function or a class")
    return known[name]  # type: ignore[no-any-return]


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
