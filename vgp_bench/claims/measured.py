"""Measurements at initialization, taken once and kept as JSON files: what no record of a run holds.

A file is named by the run that its config would be, the measurement, and the source of the measurement. As of a run,
the code beneath is not in the name; delete the folder to measure anew.
"""

import functools
import hashlib
import importlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from vgp_bench.building import resolve_device, settled
from vgp_bench.claims.evidence import Measured
from vgp_bench.config import ComposedRun
from vgp_bench.config_check import check
from vgp_bench.records.files import write_atomically, writing
from vgp_bench.records.identity import run_id

FOLDER = "measured"


def place_of(composed: ComposedRun, name: str) -> Path:
    """Where the measurement of this run is kept, taken or not. Raises ConfigError for a config that cannot be built."""
    check(composed)
    config = settled({**composed.config, "device": resolve_device(composed.config["device"])})
    folder: Path = Path(config["results_dir"]) / config["experiment_name"] / FOLDER
    return folder / f"{name}-{run_id(config)}-{_digest(name)}.json"


def kept(place: Path) -> Measured | None:
    """What was measured earlier; None if nothing was, or it cannot be read."""
    try:
        found = json.loads(place.read_text())
    except (OSError, ValueError):
        return None
    lists = isinstance(found, dict) and found and all(isinstance(values, list) and values for values in found.values())
    return found if lists else None


def take(composed: ComposedRun, name: str, place: Path) -> Measured:
    """Measures and keeps it. Raises ConfigError or DataError as the run itself would, ResultsError for a full disk."""
    function: Callable[[ComposedRun], Measured] = _module(name).measure
    found = function(composed)
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, json.dumps(found).encode())
    return found


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"vgp_bench.claims.measurements.{name}")


@functools.cache
def _digest(name: str) -> str:
    return hashlib.sha256(inspect.getsource(_module(name)).encode()).hexdigest()[:8]
