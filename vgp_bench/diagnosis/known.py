"""What is known of a network beside its records, and how far its settings are from usual ones."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vgp_bench.diagnosis.case import Case
from vgp_bench.diagnosis.updates import update_ratio

STANDARD_RATES = {
    "sgd": 0.01,
    "adam": 1e-3,
    "adamw": 1e-3,
    "nadam": 2e-3,
    "rmsprop": 1e-3,
    "adagrad": 0.01,
    "muon": 0.02,
}
"""Learning rates of the optimizers' own papers or, where those name none, of their configs here."""

_ROOT_2 = math.sqrt(2)
_GAINS = {
    **dict.fromkeys(("he_normal", "he_uniform"), _ROOT_2),
    **dict.fromkeys(("xavier_normal", "xavier_uniform", "lecun_normal", "lecun_uniform", "orthogonal"), 1.0),
    **dict.fromkeys(("delta_orthogonal", "lsuv", "identity"), 1.0),
}
_NO_RULE = ("normal_01", "uniform_001")
"""Initializers that do not look at the width of a layer."""


@dataclass(frozen=True)
class Known:
    """The option of each group and the resolved config, both empty of a foreign network; time_steps: length of the
    sequences as far as it was seen, 0 if there is no time; update_ratio: of the weights in a step, see updates.py, NaN
    if it was not measured."""

    choices: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    time_steps: int = 0
    update_ratio: float = math.nan

    @classmethod
    def of(cls, case: Case) -> "Known":
        """What the records say beside what the case knows of its config."""
        return cls(case.choices, case.config, case.time_steps, update_ratio(case))

    def chosen(self, group: str, *options: str) -> bool:
        """Whether one of these options is set, as far as anybody knows."""
        return group not in self.choices or self.choices[group] in options

    def setting(self, group: str, key: str) -> Any:
        """The value of GROUP.KEY, None if there is none."""
        return (self.config.get(group) or {}).get(key)

    def number(self, group: str, key: str) -> float:
        """The same where it is a number, else NaN."""
        value = self.setting(group, key)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan

    def words(self, *words: str) -> tuple[str, ...]:
        """Those words that change something; none for a foreign network."""
        return tuple(word for word in words if not self._says(word)) if self.choices else ()

    def _says(self, word: str) -> bool:
        key, _, value = word.partition("=")
        return self.choices.get(key) == value

    @property
    def rate(self) -> float:
        """The learning rate, NaN if unknown."""
        return self.number("optimizer", "lr")

    @property
    def standard_rate(self) -> float:
        """That of the optimizer's authors, NaN if unknown."""
        return STANDARD_RATES.get(self.choices.get("optimizer", ""), math.nan)

    @property
    def is_initialized_oddly(self) -> bool:
        """Whether the weights start by no rule, by one scaled up or down, or with biases far from 0."""
        option = self.choices.get("initializer", "")
        usual, gain, bias = (
            _GAINS.get(option),
            self.number("initializer", "gain"),
            self.number("initializer", "bias_mean"),
        )
        scaled = usual is not None and not math.isnan(gain) and not math.isclose(gain, usual, rel_tol=0.1)
        return option in _NO_RULE or scaled or abs(bias) > 0.1

    def initialized_by(self, option: str) -> tuple[str, ...]:
        """The words for this initializer as its paper has it; none if it is set so already."""
        if not self.choices:
            return ()
        if self.choices.get("initializer") != option:
            return (f"initializer={option}",)
        if not self.is_initialized_oddly:
            return ()
        gain, bias = self.number("initializer", "gain"), self.number("initializer", "bias_mean")
        usual = _GAINS.get(option, gain)
        words = [f"initializer.gain={usual:.4g}"] if not math.isclose(gain, usual, rel_tol=0.1) else []
        return (*words, *(["initializer.bias_mean=0"] if abs(bias) > 0.1 else []))
