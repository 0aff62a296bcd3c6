"""Muon: momentum made orthogonal, for weight matrices (Jordan et al. 2024); AdamW for all other parameters."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from vgp_bench.errors import ConfigError


class Muon(Optimizer):
    """torch.optim.Muon, which takes nothing but matrices, and AdamW as one optimizer.

    As its authors advise, the first and the last matrix (input and classifier) are left to AdamW, and so is whatever
    has not two axes. lr and weight_decay are Muon's; AdamW has other_lr and the same decay. The first group of
    param_groups is Muon's, so that its rate is the one that schedules and tables name.
    Raises ConfigError where torch has no Muon, or the network no hidden matrix.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.01,
        other_lr: float = 0.001,
    ) -> None:
        if not hasattr(torch.optim, "Muon"):
            raise ConfigError(f"optimizer=muon: torch {torch.__version__} has none; use torch 2.9 or newer, or adamw")
        everything = list(params)
        matrices = [parameter for parameter in everything if parameter.ndim == 2]
        # First and last among all weights: where those are convolutions, every matrix between counts as hidden.
        weights = [parameter for parameter in everything if parameter.ndim >= 2]
        ends = {id(weights[0]), id(weights[-1])} if weights else set()
        hidden = [parameter for parameter in matrices if id(parameter) not in ends]
        if not hidden:
            raise ConfigError("optimizer=muon: this network has no hidden weight matrix for it; use optimizer=adamw")
        chosen = {id(parameter) for parameter in hidden}
        others = [parameter for parameter in everything if id(parameter) not in chosen]
        muon = torch.optim.Muon(hidden, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
        self.parts: list[Optimizer] = [muon]
        if others:
            self.parts.append(AdamW(others, lr=other_lr, weight_decay=weight_decay))
        super().__init__([{"params": hidden, "lr": lr}, *([{"params": others, "lr": other_lr}] if others else [])], {})
        # The parts' own groups, so that a schedule that sets a rate here sets it there.
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]
