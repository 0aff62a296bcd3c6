"""From words on the command line to composed runs, by Hydra; its errors become one line that says what to change."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from vgp_bench.config import GROUPS, ComposedRun, composed_run, config_dir, register_run_keys
from vgp_bench.config_check import did_you_mean
from vgp_bench.errors import ConfigError, UserError

RunAll = Callable[[Sequence[ComposedRun]], None]


class Task:
    """What Hydra calls: with one config for a single run, or, by the inline launcher, with all runs of a sweep."""

    def __init__(self, run_all: RunAll) -> None:
        self.run_all = run_all

    def __call__(self, config: Any) -> None:
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get()
        self.run_all([composed_run(config, hydra.runtime.choices, " ".join(hydra.overrides.task))])


def compose_and(run_all: RunAll, words: Sequence[str]) -> None:
    """Let Hydra read the words and hand the composed runs to run_all; Hydra's flags (--cfg, --help, ...) work too.

    Raises ConfigError for words that compose to nothing.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    register_run_keys()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, where it would print and exit
    app = hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="config")(Task(run_all))
    command = sys.argv
    sys.argv = [command[0], *words]
    try:
        app()
    except UserError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_in_one_line(error)) from error
    finally:
        sys.argv = command


def _in_one_line(error: Exception) -> str:
    from hydra.errors import MissingConfigException
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError, ValidationError

    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, option = error.missing_cfg_file.rpartition("/")
        options = sorted(error.options)
        return f"{group}={option}: no such {group}.{did_you_mean(option, options)} There are: {', '.join(options)}."
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
        return _unknown_key(str(cause.full_key), cause.parent_node)
    if isinstance(cause, ValidationError) and cause.full_key:
        return f"{cause.full_key}: {str(cause.msg).splitlines()[0]}"
    lines = [line.strip() for e in (error, cause) if e for line in str(e).splitlines() if line.strip()]
    text = "; ".join(lines) or type(error).__name__
    if "is not in a group" in text or "In 'config'" in text or "Could not override" in text:
        word = text.split("'")[1] if "'" in text else ""
        text += did_you_mean(word, GROUPS)
    return text


def _unknown_key(full_key: str, parent: Any) -> str:
    place, _, key = full_key.rpartition(".")
    known = [str(k) for k in parent if k != "_target_" and k != "hydra"] if parent is not None else []
    where = f"{place} has" if place else "a run has"
    return f"{full_key}: {where} no such key.{did_you_mean(key, known)} There are: {', '.join(known)}."
