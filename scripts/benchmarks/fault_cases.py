"""The runs of the fault sweeps: what befalls each, and how it must end the first time and when all is cured."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.faulty import TINY, folder_of_faults

TIME_LIMIT = 1.5
"""Minutes. An undisturbed run takes seconds, on a machine that is busy with other things half a minute."""
SMALL = "small/results"
"""Where the runs on the small disk lie."""
BYTES_OF_A_RUN = {"local": 60_000, "inline": 50_000}
"""What a run of this size takes on a disk with pages of 4 KiB, its share of the sweep's own files included; roughly."""
SETTINGS = {
    "inline": [],
    "local": ["jobs=2", f"launcher.time_limit={TIME_LIMIT}", "launcher.grace=1", "launcher.restarts=1"],
}


@dataclass(frozen=True)
class Kind:
    """share: of all runs; keys: of the run; states: the marks of how it may end the first time; reason: what must be
    said of it where that is no result, a pattern; dies: it takes the process with it."""

    share: float
    keys: dict[str, Any]
    states: tuple[str, ...]
    reason: str = ""
    dies: bool = False


ON_SMALL_DISK = "small disk"
KINDS = {
    "raises": Kind(0.04, {"optimizer.kind": "raise"}, ("FAILED",), r"ArithmeticError: an own part"),
    "os._exit": Kind(0.04, {"optimizer.kind": "exit"}, ("LOST",), r"its process ended with exit code 3", True),
    "SIGKILL": Kind(
        0.02, {"optimizer.kind": "kill"}, ("LOST",), r"its process was killed by SIGKILL \(2 times\)", True
    ),
    "SIGKILL, once": Kind(0.02, {"optimizer.kind": "kill", "optimizer.mark": "once-{seed}"}, ("done",), dies=True),
    "hangs": Kind(
        0.02,
        {"optimizer.kind": "hang"},
        ("LOST",),
        rf"it ran longer than launcher\.time_limit={TIME_LIMIT} minutes and was killed",
        True,
    ),
    "NaN": Kind(0.04, {"optimizer.kind": "diverge"}, ("DIVERGED",)),
    ON_SMALL_DISK: Kind(0.2, {"results_dir": SMALL}, ("done", "FAILED", "REFUSED", "LOST"), "disk full"),
}
GOOD = Kind(0.62, {}, ("done",))


@dataclass(frozen=True)
class Case:
    """One run. name: its kind's, or "none"."""

    seed: int
    name: str

    @property
    def kind(self) -> Kind:
        return KINDS.get(self.name, GOOD)

    @property
    def results(self) -> Path:
        return Path(SMALL if self.name == ON_SMALL_DISK else "results")

    @property
    def last_state(self) -> str:
        """How it stands in its record once all is cured."""
        return "diverged" if self.name == "NaN" else "completed"


def make_cases(count: int, launcher: str, faults: Collection[str]) -> list[Case]:
    """So many runs for a launcher, at least one of every of these kinds that fits it, in an order drawn by lot."""
    names = [
        name
        for name, kind in KINDS.items()
        if name in faults and not (kind.dies and launcher == "inline")
        for _ in range(max(1, round(kind.share * count)))
    ]
    names += ["none"] * (count - len(names))
    random.Random(0).shuffle(names)
    return [Case(seed, name) for seed, name in enumerate(names, 1)]


def write_study(folder: Path, cases: list[Case]) -> None:
    """The runs as a study `faults` in the folder `mine`, with the optimizer that has the faults."""
    folder_of_faults(folder)
    points = [
        {"seed": case.seed, **{k: str(v).format(seed=case.seed) for k, v in case.kind.keys.items()}} for case in cases
    ]
    study = {"hydra": {"mode": "MULTIRUN", "sweeper": {"points": points}}}
    (folder / "mine" / "experiment").mkdir()
    text = f"# @package _global_\n{yaml.safe_dump(study, sort_keys=False)}"
    (folder / "mine" / "experiment" / "faults.yaml").write_text(text)


def words_of(launcher: str) -> list[str]:
    """The command line of a sweep, without the program's name; the same for every call."""
    tiny = [word for word in TINY if not word.startswith("launcher=")]
    faulty = ["--config-dir", "mine", "experiment=faults", "optimizer=faulty", "optimizer.cured=cured"]
    return ["run", "-m", *faulty, *tiny, f"launcher={launcher}", *SETTINGS[launcher]]
