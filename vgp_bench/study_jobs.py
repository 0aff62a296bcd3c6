"""From the cells of a study to composed runs: composition by Hydra, exclusions, keys set only where they fit."""

import copy
import sys
from collections.abc import Sequence
from typing import Any

from vgp_bench.config import ComposedRun, composed_run
from vgp_bench.errors import ConfigError
from vgp_bench.records.identity import canonical
from vgp_bench.study import Cell, Rule, Study, bare, cells, loosened

_MISSING = object()


class Jobs:
    """Composes the cells of a sweep. Raises ConfigError, or what Hydra raises, for a cell that composes to nothing."""

    def __init__(self, loader: Any, master: Any) -> None:
        from hydra.core.override_parser.overrides_parser import OverridesParser

        self.loader, self.master = loader, master
        self.parser = OverridesParser.create(config_loader=loader)
        self._bases: dict[tuple[str, ...], tuple[Any, Any]] = {}

    def compose(self, study: Study, words: Sequence[str]) -> list[ComposedRun]:
        """The runs of the study with these words of the command line."""
        found = cells(study, words, self.expand)
        if not found:
            raise ConfigError("the sweep is empty: one of its keys has no values")
        composed = [
            self._run(cell, label) for cell, label in zip(found, labels([[*c.values()] for c in found]), strict=True)
        ]
        typed = {bare(self.expand(word)[0]) for word in words}
        for line in loosened(study, typed):
            print(f"vgp-bench: note: {line}", file=sys.stderr)
        matches = [self._matching(rule, composed, typed) for rule in study.rules]
        runs = []
        for number, (cell, run) in enumerate(zip(found, composed, strict=True)):
            fitting = [rule for rule, where in zip(study.rules, matches, strict=True) if number in where]
            if any(rule.part == "exclude" for rule in fitting):
                continue
            more = {
                key: f"{key}={value}" for rule in fitting for key, value in rule.sets.items() if bare(key) not in typed
            }
            runs.append(self._run(cell | more, run.label) if more else run)
        if not runs:
            raise ConfigError("the study is empty: hydra.sweeper.exclude leaves no run")
        return runs

    def expand(self, word: str) -> tuple[str, list[str]]:
        """The key of an override, and an override for each of its values."""
        from hydra.errors import HydraException

        try:
            override = self.parser.parse_override(word)
            key = override.get_key_element()
            if not override.is_sweep_override():
                return key, [f"{key}={override.get_value_element_as_str()}" if "=" in word else key]
            if override.is_discrete_sweep():
                return key, [f"{key}={value}" for value in override.sweep_string_iterator()]
        except HydraException as error:
            raise ConfigError(f"{word}: cannot be read; separate values by commas, say depth=2,20") from error
        raise ConfigError(f"{word}: a sweep takes single values, say depth=2,20, and no interval")

    def _run(self, cell: Cell, label: str) -> ComposedRun:
        # A composition takes Hydra 75 ms. Cells that differ in plain values only share one: values are applied last.
        from hydra._internal.config_loader_impl import ConfigLoaderImpl
        from omegaconf import OmegaConf

        values = [word for key, word in cell.items() if self._is_plain(key)]
        others = tuple(word for key, word in cell.items() if not self._is_plain(key))
        if others not in self._bases:
            config = self.loader.load_sweep_config(self.master, list(others))
            choices = config.hydra.runtime.choices
            OmegaConf.set_struct(config, False)
            config.pop("hydra")  # the larger part of it, and of no use to a run
            OmegaConf.set_struct(config, True)
            self._bases[others] = config, choices
        base, choices = self._bases[others]
        config = copy.deepcopy(base)
        ConfigLoaderImpl._apply_overrides_to_config(self.parser.parse_overrides(values), config)
        return composed_run(config, choices, label)

    def _is_plain(self, key: str) -> bool:
        """Whether the key only replaces a value, and chooses or adds nothing."""
        top = key.partition(".")[0]
        return key[0] not in "+~" and "@" not in key and top != "hydra" and not self.loader.repository.group_exists(key)

    def _matching(self, rule: Rule, runs: Sequence[ComposedRun], typed: set[str]) -> set[int]:
        """The places of the runs in which every key of the rule has one of its values."""
        wanted = {
            key: {self._canonical(word) for word in self.expand(f"{key}={values}")[1]}
            for key, values in rule.where.items()
        }
        found = set(range(len(runs)))
        for key, values in wanted.items():
            there = [_value(run, key) for run in runs]
            if all(value is _MISSING for value in there):
                raise ConfigError(f"{rule}: no run of this study has the key {key}")
            found &= {n for n, value in enumerate(there) if value is not _MISSING and canonical(value) in values}
        narrowed = any(key == word or key.startswith(f"{word}.") for key in rule.where for word in typed)
        if not found and not narrowed:  # what the command line has replaced need not be there
            raise ConfigError(f"{rule} matches no run of this study; mend it or leave it out")
        return found

    def _canonical(self, word: str) -> str:
        return canonical(self.parser.parse_override(word).value())


def labels(job_overrides: Sequence[Sequence[str]]) -> list[str]:
    """What tells each job from the others: its overrides, without those that all jobs share."""
    shared = set(job_overrides[0]).intersection(*job_overrides) if len(job_overrides) > 1 else set()
    return [" ".join(o for o in overrides if o not in shared) for overrides in job_overrides]


def _value(run: ComposedRun, key: str) -> Any:
    """What a run has under a dotted key: the name of the option for a group."""
    if key in run.choices:
        return run.choices[key]
    place: Any = run.config
    for part in key.split("."):
        if not isinstance(place, dict) or part not in place:
            return _MISSING
        place = place[part]
    return place
