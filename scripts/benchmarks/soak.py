"""Kills real runs at random instants, again and again until they are complete, and compares each, bit for bit, with a
twin that was never killed.

Every attempt is a process of its own, forked from one that has torch imported, so that an attempt takes tenths of a
second; it is killed with SIGKILL. Checkpoints come every 1 to 5 steps, so that many kills hit the middle of a write.
"""

import argparse
import hashlib
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.calling import empty_folder, leave, whole
from vgp_bench import building, run
from vgp_bench.composition import compose
from vgp_bench.config import ComposedRun
from vgp_bench.errors import ResultsError
from vgp_bench.plural import plural
from vgp_bench.records.reading import read_run
from vgp_bench.records.rows import TABLES
from vgp_bench.training.keeper import RunKeeper

SIZES = ["dataset.train_size=96", "dataset.validation_size=32", "dataset.test_size=32", "trainer.batch_size=16"]
SMALL = [*SIZES, "trainer.max_epochs=6", "monitor.probe_images=16", "device=cpu", "progress=false"]
MLP = ["architecture.depth=3", "architecture.width=12"]
KINDS = {
    "mlp, momentum, cosine": [*MLP, "schedule=cosine", "optimizer.momentum=0.9"],
    "mlp, adam, clipped portions": [*MLP, "optimizer=adam", "trainer.clip_norm=0.5", "trainer.micro_batches=4"],
    "mlp, muon, smoothed": [*MLP, "optimizer=muon", "trainer.label_smoothing=0.1"],
    "resnet, batch norm": ["architecture=resnet", "architecture.depth=8", "architecture.width=4", "normalizer=batch"],
    "vit, dropout, drop path": [
        "architecture=vit",
        "architecture.blocks=2",
        "architecture.width=8",
        "architecture.heads=2",
        "architecture.dropout=0.2",
        "architecture.drop_path=0.3",
        "optimizer=adamw",
    ],
    "lstm, adding": ["architecture=lstm", "architecture.hidden=6", "dataset=adding", "dataset.length=10"],
}
CLOCKS = ("images_per_second", "seconds", "peak_memory_bytes")
LEAST_KILLS, MOST_ATTEMPTS = 2, 300


class Diary:
    """What a process that may be killed says of itself: memory that its parent shares. The step it stands at, the step
    it began at, and a hash of its last weights."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 80)

    def note(self, step: int, start: int | None = None) -> None:
        struct.pack_into("q", self._memory, 0, step)
        if start is not None:
            struct.pack_into("q", self._memory, 8, start)

    def read(self) -> tuple[int, int]:
        return struct.unpack_from("qq", self._memory)  # type: ignore[return-value]

    @property
    def weights(self) -> bytes:
        return self._memory[16:48]

    @weights.setter
    def weights(self, digest: bytes) -> None:
        self._memory[16:48] = digest


@dataclass
class Tally:
    """Of all runs of one kind."""

    runs: int = 0
    kills: int = 0
    torn: int = 0  # kills in the middle of a write: they leave an unfinished file
    unreadable: int = 0
    different: int = 0
    too_much_lost: int = 0
    most_lost: int = 0
    words: list[str] = field(default_factory=list)


def start(composed: ComposedRun, diary: Diary, log: Path) -> int:
    """A process that performs the run; its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        with log.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        _watch(diary)
        outcome = run.perform(composed, ["scripts/soak"], lambda total: lambda steps, loss: None)
        print(outcome.state, outcome.reason, flush=True)
        code = 0 if outcome.state == "completed" else 1
    finally:
        os._exit(code)


def _watch(diary: Diary) -> None:
    """Let the runs of this process keep the diary."""

    class Keeper(RunKeeper):
        def __init__(self, *of: Any) -> None:
            super().__init__(*of)
            step = of[5].step if of[5] else 0
            diary.note(step, step)

        def is_due(self, done: int) -> bool:
            diary.note(done)
            return super().is_due(done)

    genuine: Callable[..., Any] = run.summary_of

    def summary_of(loop: Any, *of: Any) -> Any:
        digest = hashlib.sha256()
        for name, tensor in sorted(loop.model.state_dict().items()):
            digest.update(name.encode() + tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        diary.weights = digest.digest()
        return genuine(loop, *of)

    run.RunKeeper = Keeper  # type: ignore[misc]
    run.summary_of = summary_of


def fingerprint(path: Path) -> dict[str, Any]:
    """All that a run recorded but its clocks, as text: NaN equals NaN."""
    record = read_run(path)
    figures = record.summary.as_json() if record.summary else {}
    found: dict[str, Any] = {"state": record.state, **{k: v for k, v in figures.items() if k not in CLOCKS}}
    for table in TABLES:
        for name, values in record.columns(table).items():
            if name not in CLOCKS:
                found[f"{table}.{name}"] = values.tolist() if values.dtype == object else values.tobytes()
    return found


def the_run(results: Path) -> Path | None:
    return next((status.parent for status in results.rglob("status.json")), None)


def soak(composed: ComposedRun, every: int, folder: Path, chance: random.Random, tally: Tally) -> None:
    """One run and its twin."""
    log, diary, twins = folder / "log.txt", Diary(), Diary()

    def at(results: str) -> ComposedRun:
        more = {"results_dir": str(folder / results), "checkpoint_steps": every}
        return replace(composed, config={**composed.config, **more})

    began = time.perf_counter()
    _, status = os.waitpid(start(at("twin"), twins, log), 0)
    whole = time.perf_counter() - began
    twin = the_run(folder / "twin")
    tally.runs += 1
    if status or twin is None:
        tally.different += 1
        tally.words.append(f"the twin did not complete: {log.read_text()[-300:]}")
        return
    killed = 0
    for _ in range(MOST_ATTEMPTS):
        reached, _ = diary.read()
        diary.note(reached, start=-1)
        pid = start(at("run"), diary, log)
        ended = _ended_within(pid, chance.uniform(0, whole))
        if ended is None:
            os.kill(pid, signal.SIGKILL)
            ended = os.waitpid(pid, 0)[1]
            killed += os.WIFSIGNALED(ended)
            tally.torn += bool(list((folder / "run").rglob(".*.tmp")))
        _, began_at = diary.read()
        if began_at >= 0 and reached > began_at:  # below 0: it died before it began to train
            tally.most_lost = max(tally.most_lost, reached - began_at)
            tally.too_much_lost += reached - began_at > every
        _look(folder, tally)
        if ended == 0 and killed >= LEAST_KILLS:
            break
        if ended == 0:  # too quick for us: once more from the beginning
            shutil.rmtree(folder / "run")
            diary = Diary()
    tally.kills += killed
    _compare(folder, twin, diary.weights == twins.weights, tally)


def _ended_within(pid: int, seconds: float) -> int | None:
    """The status with which the process ended by itself; None if it still runs."""
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.0005)
    return None


def _look(folder: Path, tally: Tally) -> None:
    """Whether what the kill has left can be read."""
    try:
        if path := the_run(folder / "run"):
            record = read_run(path)
            for table in TABLES:
                record.columns(table)
    except ResultsError as error:
        tally.unreadable += 1
        tally.words.append(str(error))


def _compare(folder: Path, twin: Path, same_weights: bool, tally: Tally) -> None:
    path = the_run(folder / "run")
    one, other = fingerprint(path) if path else {}, fingerprint(twin)
    wrong = [name for name in other if one.get(name) != other[name]]
    if not same_weights:
        wrong.append("weights")
    if wrong:
        tally.different += 1
        tally.words.append(f"{path} differs from {twin} in {', '.join(wrong[:5])}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("runs", type=whole(1), nargs="?", default=200)
    parser.add_argument(
        "--seed", type=whole(0), default=0, help="chooses the instants of the kills, as far as a clock allows"
    )
    parser.add_argument("--keep", type=empty_folder, help="leave the runs in this folder")
    arguments = parser.parse_args()
    chance, began = random.Random(arguments.seed), time.perf_counter()
    kinds = {name: compose([*SMALL, *words])[0] for name, words in KINDS.items()}
    for composed in kinds.values():  # data and code loaded once, for all processes to come
        trainer = {**composed.config["trainer"], "max_steps": 1}
        building.build({**composed.config, "trainer": trainer}, lambda row: None).train()
    tallies = {name: Tally() for name in kinds}
    top = arguments.keep or Path(tempfile.mkdtemp(prefix="vgp-soak-"))
    for number in range(arguments.runs):
        name = list(kinds)[number % len(kinds)]
        composed = replace(kinds[name], config={**kinds[name].config, "seed": number})
        folder = top / f"{number:04}"
        folder.mkdir(parents=True)
        soak(composed, 1 + chance.randrange(5), folder, chance, tallies[name])
        if not arguments.keep:
            shutil.rmtree(folder)
    if not arguments.keep:
        shutil.rmtree(top)
    return report(tallies, time.perf_counter() - began)


def report(tallies: dict[str, Tally], seconds: float) -> int:
    """Prints the table; the exit code is 1 if anything was unreadable, different or lost."""
    print("| runs | kills | within a write | unreadable | different | most steps lost | more than an interval | kind |")
    print("|---|---|---|---|---|---|---|---|")
    for name, t in tallies.items():
        figures = (t.runs, t.kills, t.torn, t.unreadable, t.different, t.most_lost, t.too_much_lost)
        print(f"| {' | '.join(map(str, figures))} | {name} |")
    for line in [line for tally in tallies.values() for line in tally.words]:
        print(line, file=sys.stderr)
    bad = sum(t.unreadable + t.different + t.too_much_lost for t in tallies.values())
    runs, kills = sum(t.runs for t in tallies.values()), sum(t.kills for t in tallies.values())
    told = ", ".join((plural(runs, "run"), plural(kills, "kill"), plural(bad, "fault")))
    print(f"{told}, {seconds:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    leave("scripts/soak", main)
