"""Who goes on, with invented scores."""

import math

import pytest

from vgp_bench.doctor.bracket import Bracket, best, bracket, pairs_of


@pytest.mark.parametrize(
    ("entrants", "runs", "expected"),
    [
        # 14 singles, 7 of them again, 3 pairs, 3 x 3 seeds, 2 more seeds of the base: 35
        (14, 39, Bracket(first=14, second=7, pairs=3, last=3, seeds=3)),
        # a final of 1 x 3 + 2 = 5 is less than half of 11; 4 + 2 = 6 are left for the rounds before, none for pairs
        (14, 11, Bracket(first=4, second=2, pairs=0, last=1, seeds=3)),
        # no room for seeds: 3 + 2 before, the best one to the end
        (14, 6, Bracket(first=3, second=2, pairs=0, last=1, seeds=1)),
        (14, 1, Bracket(first=0, second=0, pairs=0, last=1, seeds=1)),
        # two changes have one pair
        (2, 39, Bracket(first=2, second=1, pairs=0, last=2, seeds=3)),
        (3, 39, Bracket(first=3, second=2, pairs=1, last=3, seeds=3)),
    ],
)
def test_places(entrants: int, runs: int, expected: Bracket) -> None:
    assert bracket(entrants, runs) == expected


def test_no_bracket_asks_for_more_runs_than_there_are() -> None:
    for entrants in range(1, 25):
        for runs in range(1, 60):
            found = bracket(entrants, runs)
            assert found.runs <= runs, (entrants, runs)
            assert 1 <= found.last <= entrants
            assert found.first <= entrants
            assert found.second <= found.first


def test_the_highest_scores_go_on_and_a_tie_goes_to_the_first() -> None:
    scores = {"a": 0.1, "b": math.nan, "c": 0.9, "d": 0.1, "e": -2.0}
    assert best(scores, 3) == ["c", "a", "d"]
    assert best(scores, 9) == ["c", "a", "d", "e", "b"]
    assert best({}, 2) == []


def test_pairs_of_the_best_come_first() -> None:
    assert pairs_of(["a", "b", "c", "d"], 4) == [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d")]
    assert pairs_of(["a"], 3) == []
