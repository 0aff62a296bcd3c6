"""Going on where a run stopped: the newest checkpoint that is whole, fits and whose rows the tables hold.

A run begins anew only where what it has is of no use: damaged, of another version, of another kind. A disk that does
not answer or a lack of memory may pass, so that the run is refused then, and all that it has is left as it is.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vgp_bench.errors import ResultsError
from vgp_bench.records.checkpoints import Damaged, Position
from vgp_bench.records.status import RESUMABLE, now
from vgp_bench.records.store import RunStore
from vgp_bench.training.checkpoint import Unfit, restore
from vgp_bench.training.loop import Loop
from vgp_bench.training.out_of_memory import first_line, out_of_memory


@dataclass
class Resumption:
    """loop: to be trained; position: where it stands, None at the beginning; problems: with its status and with newer
    checkpoints."""

    loop: Loop
    position: Position | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def step(self) -> int:
        """Optimizer steps that need not be done again."""
        return self.position.step if self.position else 0

    def tell(self, run: Path) -> None:
        """A line on stderr, above the bar if there is one, if something of the run could not be used."""
        if self.problems:
            where = f"it goes on from step {self.step}" if self.position else "it begins anew"
            tqdm.write(f"vgp-bench: {run}: {'; '.join(self.problems)}; {where}", file=sys.stderr)

    def entry(self, environment: Mapping[str, Any]) -> dict[str, Any]:
        """What environment.json keeps of it: step, time, problems, and the machine and code it goes on with. Those may
        be others than at the beginning: the rows are then by both, and whoever compares can see it."""
        return {"step": self.step, "time": now(), "problems": self.problems, **environment}


def resumed(store: RunStore, loop: Loop, rebuild: Callable[[], Loop]) -> Resumption:
    """The loop where the run in `store`, which must be in hand, can go on. Only the rows in the store are changed, and
    checkpoints that are of no use removed; the record itself is left as it is.

    rebuild: makes the loop anew, should a checkpoint have spoilt it. Raises ResultsError, nothing changed, for a fault
    that may pass.
    """
    try:
        return _resumed(store, loop, rebuild)
    except (OSError, MemoryError, RuntimeError) as error:  # RuntimeError: how torch tells of memory and of a GPU
        if out_of_memory(error):
            what, advice = "there is no memory to take it up", "free some and run the same command again"
        elif isinstance(error, OSError):
            what, advice = "it cannot be read", "run the same command again, or remove that file if it stays so"
        else:
            what, advice = "it could not be taken up", "run the same command again"
        raise ResultsError(f"{store.path}: {what} ({first_line(error)}); nothing is changed: {advice}") from error


def _resumed(store: RunStore, loop: Loop, rebuild: Callable[[], Loop]) -> Resumption:
    found = Resumption(loop)
    try:
        (store.path / "status.json").read_bytes()  # OSError: nothing is known of what it says
    except FileNotFoundError:
        return found  # no run yet, or one that was just being cleared
    try:
        if store.written_status().state not in RESUMABLE:
            return found
    except ResultsError as error:  # that spoils no checkpoint; a run that ended has none
        found.problems.append(str(error).removesuffix("; run it again"))
    for checkpoint in store.checkpoints.newest_first():
        if isinstance(checkpoint, Damaged):
            found.problems.append(str(checkpoint))
            continue
        path, position, state = checkpoint
        try:
            store.load_rows(position.rows)
            restore(found.loop, state)
        except ResultsError as error:
            found.problems.append(f"{path.name} cannot be used: {error}")
        except Unfit as error:
            found.problems.append(f"{path.name} cannot be used: {error}")
            found.loop = rebuild()
        else:
            found.position = position
            store.checkpoints.remove_after(path)
            return found
    return found
