"""From words on the command line to composed runs, by Hydra; its errors become one line that says what to change."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from vgp_bench.config import GROUPS, LISTED_GROUPS, ComposedRun, composed_run, config_dir, register_run_keys
from vgp_bench.config_check import did_you_mean
from vgp_bench.errors import ConfigError
from vgp_bench.option_keys import launchers_with
from vgp_bench.override_words import check_words, flags_last, with_seeds

PARTS = ("params", "zip", "points", "exclude", "when", "seeds")
"""The keys of hydra.sweeper, see study.py."""


class Task:
    """What Hydra calls with the config of a single run. Our sweeper fills in the runs of a sweep instead."""

    def __init__(self) -> None:
        self.runs: list[ComposedRun] = []
        self.error: Exception | None = None
        self.is_study = False

    def spans_a_study(self, sweeper: Any) -> bool:
        """Whether a study's file has a grid, though it does not say `mode: MULTIRUN`."""
        self.is_study = any(sweeper.get(part) for part in PARTS)
        return self.is_study

    def __call__(self, config: Any) -> None:
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get()
        if self.spans_a_study(hydra.sweeper):
            return
        try:
            self.runs = [composed_run(config, hydra.runtime.choices, " ".join(hydra.overrides.task))]
        except Exception as error:  # Hydra would print a line of its own before it passes it on
            self.error = error


def compose(words: Sequence[str]) -> list[ComposedRun]:
    """Let Hydra read the words; none where they hold one of Hydra's flags that only show something (--cfg, --help).

    Raises ConfigError for words that compose to nothing.
    """
    import hydra
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    words = flags_last(with_seeds(words))
    check_words(words)
    register_run_keys()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, where it would print and exit
    task = Task()
    app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="config")(task)
    command = sys.argv
    sys.argv = ["vgp-bench", *words]  # the name Hydra shows, also under python -m
    try:
        app()
        if task.error:
            raise task.error
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        # A ValueError is how Hydra takes `activation=null` and the like.
        raise ConfigError(_in_one_line(error)) from error
    finally:
        sys.argv = command
    return compose(["-m", *words]) if task.is_study else task.runs


def compose_each(runs: Sequence[Sequence[str]]) -> list[ComposedRun]:
    """One run from each list of words, which set something and hold no flag: in half the time that compose() takes.

    Raises ConfigError for words that compose to nothing, or to a sweep.
    """
    from hydra import compose as compose_one
    from hydra import initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register_run_keys()
    found = []
    with initialize_config_dir(version_base="1.3", config_dir=str(config_dir())):
        for words in runs:
            check_words(words)
            try:
                config = compose_one("config", overrides=list(words), return_hydra_config=True)
                found.append(composed_run(config, config.hydra.runtime.choices, " ".join(words)))
            except (HydraException, OmegaConfBaseException, ValueError) as error:
                raise ConfigError(_in_one_line(error)) from error
    return found


def _in_one_line(error: Exception) -> str:
    from hydra.errors import MissingConfigException
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError, ValidationError

    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        # One of a list of options, as in tracker=[mlflow,wandbb], comes without those that there are.
        options = sorted(error.options or [path.stem for path in (config_dir() / group).glob("*.yaml")])
        return f"{group}={option}: no such {group}.{did_you_mean(option, options)} There are: {', '.join(options)}."
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
        return _unknown_key(str(cause.full_key), cause.parent_node)
    if isinstance(cause, ValidationError) and cause.full_key:
        return _wrong_type(str(cause.full_key), str(cause.msg).splitlines()[0])
    lines = [line.strip() for e in (error, cause) if e for line in str(e).splitlines() if line.strip()]
    text = "; ".join(lines) or type(error).__name__
    if found := re.search(r"Key '(.*)' not in 'GridConf'", text):
        hint = did_you_mean(found[1], PARTS)
        return f"hydra.sweeper.{found[1]}: a study has no such part.{hint} There are: {', '.join(PARTS)}."
    if text.startswith("Ambiguous value for argument"):
        word = text.split("'")[1]
        if word.startswith("tracker="):
            return f"{word}: several trackers of one run are a list: tracker=[{word.removeprefix('tracker=')}]"
        return f"{word}: several values make a sweep, which needs -m: vgp-bench run -m {word}"
    if text.startswith("Config group override must be"):
        return f"a group ({', '.join(GROUPS)}) takes the name of an option, say activation=relu ({text})"
    if "is not in a group" in text or "In 'config'" in text or "Could not override" in text:
        word = text.split("'")[1] if "'" in text else ""
        text += did_you_mean(word, LISTED_GROUPS)
    return text


def _or(launchers: Sequence[str]) -> str:
    return " and ".join(f"launcher={name}" for name in launchers)


def _wrong_type(key: str, message: str) -> str:
    found = re.match(r"Value '(.*)' (?:of type '.*' could not be converted to|is not a valid) (\w+)", message)
    names = {"Integer": "an integer", "Float": "a number", "bool": "true or false"}
    return f"{key}={found[1]}: expected {names[found[2]]}" if found and found[2] in names else f"{key}: {message}"


def _unknown_key(full_key: str, parent: Any) -> str:
    place, _, key = full_key.rpartition(".")
    known = [str(k) for k in parent if k != "_target_" and k != "hydra"] if parent is not None else []
    if not place and (owners := [group for group in GROUPS if key in (parent.get(group) or {})]):
        return f"{key}: a run has no such key. Did you mean {' or '.join(f'{group}.{key}' for group in owners)}?"
    if not place and (launchers := launchers_with(key)):
        return f"{key}: a run has no such key. Did you mean launcher.{key}, a key of {_or(launchers)}?"
    if place == "launcher" and (launchers := launchers_with(key)):
        return f"{full_key}: a key of {_or(launchers)}; add launcher={launchers[0]}"
    if place == "tracker":
        return f"{full_key}: tracker={key} is not chosen; add tracker={key}, or tracker=[...,{key}] beside others"
    where = f"{place} has" if place else "a run has"
    there_are = f"There are: {', '.join(known)}." if known else "It takes no keys."
    return f"{full_key}: {where} no such key.{did_you_mean(key, known)} {there_are}"
