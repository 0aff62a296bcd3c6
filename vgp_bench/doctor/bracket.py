"""Who goes on: successive halving (Jamieson & Talwalkar 2016, Non-stochastic Best Arm Identification and Hyperparameter
Optimization, algorithm 1).

Many are tried shortly, the better half for longer, the best few to the end; each round has about the same budget.
Where we differ: pairs of the best single changes enter the second round, and the last one is run with several seeds.
This file knows neither runs nor changes, only names and scores.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHARES = (1 / 3, 2 / 3, 1.0)
"""Of the full number of steps, round by round."""

_FINALS = ((3, 3), (2, 3), (1, 3), (1, 1))
"""(changes, seeds) of the last round: the first of them that leaves half of the runs to the rounds before."""

MOST_PAIRS = 3


@dataclass(frozen=True)
class Bracket:
    """Places in the rounds. first: single changes in round 1, one seed; second: those of them in round 2, with `pairs`
    pairs; last: changes in round 3, with so many seeds. Where `first` is 0, who is named first goes to the last round.
    """

    first: int
    second: int
    pairs: int
    last: int
    seeds: int

    @property
    def runs(self) -> int:
        """How many there are if all rounds are run; the other seeds of the unchanged network count."""
        return self.first + self.second + self.pairs + self.last * self.seeds + self.seeds - 1


def bracket(entrants: int, runs: int) -> Bracket:
    """The bracket of so many single changes that needs no more than so many runs, 1 or more."""
    last, seeds = next(((n, s) for n, s in _FINALS if n * s + s - 1 <= runs / 2 and n <= entrants), _FINALS[-1])
    rest = runs - (last * seeds + seeds - 1)
    first = max((n for n in range(entrants + 1) if n + math.ceil(n / 2) <= rest), default=0)
    second = math.ceil(first / 2)
    pairs = min(MOST_PAIRS, second * (second - 1) // 2, rest - first - second)
    return Bracket(first, second, pairs, last, seeds)


def best(scores: Mapping[str, float], places: int) -> list[str]:
    """The names with the highest scores, best first; of equal ones the one named first. NaN is the worst."""
    order = sorted(scores, key=lambda name: math.inf if math.isnan(scores[name]) else -scores[name])
    return order[:places]


def pairs_of(names: Sequence[str], most: int) -> list[tuple[str, str]]:
    """Pairs of names, given best first, those of the best first: 1+2, 1+3, 2+3, 1+4, ..."""
    found = [(names[i], names[j]) for j in range(1, len(names)) for i in range(j)]
    return found[:most]
