"""What looking at somebody else's training loop costs: that loop with a watcher / without, the watchers in turn."""

import gc
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.foreign_loops import LOOPS, ForeignLoop, Seconds, Watcher
from benchmarks.watchers import OURS, nobody, watchers

BOUND = 1.05
OTHERS_EVERY = 2
"""In one of so many rounds the watchers of others take part: some take several times as long as the loop itself."""


@dataclass(frozen=True)
class Cost:
    """Of one watcher on one loop: for each round the time with it and without."""

    watcher: str
    loop: ForeignLoop
    rounds: Sequence[tuple[Seconds, Seconds]]

    def line(self) -> str:
        """A row of the table: ratios round by round, their median and range."""
        clock = sorted(watched.clock / bare.clock for watched, bare in self.rounds)
        core = sorted(watched.core / bare.core for watched, bare in self.rounds)
        without = statistics.median(bare.clock for _, bare in self.rounds)
        cells = (
            f"{self.loop.name}, {self.loop.steps} steps",
            self.watcher,
            f"{statistics.median(core):.3f}",
            f"{core[0]:.2f} ... {core[-1]:.2f}",
            f"{statistics.median(clock):.3f}",
            f"{clock[0]:.2f} ... {clock[-1]:.2f}",
            f"at most {BOUND}" if self.watcher == OURS else "-",
            f"{without:.3g}",
        )
        return f"| {' | '.join(cells)} |"


def benchmark(rounds: int, loops: Sequence[ForeignLoop] = LOOPS) -> Iterator[Cost]:
    """Each loop with each watcher that is installed."""
    with watchers() as all_of_them:
        for loop in loops:
            costs = _costs(loop, all_of_them, rounds)
            print(*(cost.line() for cost in costs), sep="\n", file=sys.stderr, flush=True)  # minutes before the rest
            yield from costs


def _costs(loop: ForeignLoop, others: Mapping[str, Watcher], rounds: int) -> list[Cost]:
    """A round is everybody in turn; the next one begins with another, so that nobody is always first."""
    everybody: dict[str, Watcher] = {"": nobody, **others}
    names = list(everybody)
    found: dict[str, list[tuple[Seconds, Seconds]]] = {name: [] for name in names}
    for number in range(-1, rounds):  # the first is to warm up
        start = number % len(names)
        of_round: dict[str, Seconds] = {}
        for name in (*names[start:], *names[:start]):
            if name in ("", OURS) or number % OTHERS_EVERY == 0:
                gc.collect()
                of_round[name] = loop.run(everybody[name])
        for name in of_round if number >= 0 else ():
            found[name].append((of_round[name], of_round[""]))
    return [Cost(name, loop, found[name]) for name in others]


def lines(costs: Sequence[Cost]) -> list[str]:
    """The table."""
    head = "| own loop | watched by | CPU time, ratio (median) | range | wall time, ratio | range | bound | s without |"
    rounds = {name: len(cost.rounds) for cost in costs for name in [cost.watcher]}
    counts = ", ".join(f"{name} {count}" for name, count in rounds.items())
    what = f"A loop that is watched / the same loop without, in turn; rounds: {counts}"
    return [what, "", head, "|---|---|---|---|---|---|---|---|", *(cost.line() for cost in costs)]
