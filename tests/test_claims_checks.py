"""The tests behind a verdict, each against figures worked out by hand or by another way to compute them."""

import math
from typing import Any

import pytest
from scipy.stats import t

from vgp_bench.claims.checks import ALPHA, Check, holm, judged, more_often, not_run, proportion, trend
from vgp_bench.claims.expected import Expected, read_expected
from vgp_bench.errors import ConfigError


def expect(**entry: Any) -> Expected:
    return read_expected("figure", {"source": "a formula", **entry}, "file.yaml")


def seeds(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


class TestReading:
    @pytest.mark.parametrize(
        ("within", "low", "high", "factor"),
        [("5%", 1.9, 2.1, False), (0.3, 1.7, 2.3, False), ("x10", 0.2, 20.0, True)],
    )
    def test_an_equality_holds_in_a_band(self, within: Any, low: float, high: float, factor: bool) -> None:
        found = expect(**{"is": 2, "within": within})
        assert (found.low, found.high) == pytest.approx((low, high))
        assert found.factor is factor

    def test_a_share_of_a_negative_value_is_a_band_around_it(self) -> None:
        found = expect(**{"is": -2, "within": "5%"})
        assert (found.low, found.high) == pytest.approx((-2.1, -1.9))

    def test_a_bound_is_open_on_one_side(self) -> None:
        assert (expect(at_least=3).low, expect(at_least=3).high) == (3, math.inf)
        assert (expect(at_most=3).low, expect(at_most=3).high) == (-math.inf, 3)

    @pytest.mark.parametrize(
        ("entry", "message"),
        [
            ({"source": "s"}, "exactly one of"),
            ({"source": "s", "at_least": 1, "at_most": 2}, "exactly one of"),
            ({"source": "s", "is": 1}, "within"),
            ({"source": "s", "at_least": 1, "within": "5%"}, "within"),
            ({"source": "s", "is": 1, "within": "five"}, "write 5%, x10"),
            ({"source": "s", "at_lest": 1}, "no such key: at_lest"),
            ({"at_least": 1}, "which paper or formula"),
        ],
    )
    def test_another_form_is_refused_in_one_line(self, entry: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message) as refused:
            read_expected("figure", entry, "file.yaml")
        assert "file.yaml: expect.figure" in str(refused.value)
        assert "\n" not in str(refused.value)


class TestOneValueASeed:
    def test_the_verdict_is_that_of_the_95_percent_interval(self) -> None:
        """Mean 10, standard deviation 1 of four: the interval is 10 +- 3.182 / 2."""
        values = seeds(9, 9.5, 10.5, 11)
        deviation = math.sqrt(sum((x - 10) ** 2 for x in values.values()) / 3)
        half = float(t.ppf(0.975, 3)) * deviation / 2
        for shift, verdict in ((0.01, "REPRODUCED"), (-0.01, "INCONCLUSIVE")):
            assert judged(expect(at_most=10 + half + shift), values).verdict == verdict
            assert judged(expect(at_least=10 - half - shift), values).verdict == verdict
            band = expect(**{"is": 10, "within": half + shift})
            assert judged(band, values).verdict == verdict
        for shift, verdict in ((0.01, "CONTRADICTED"), (-0.01, "INCONCLUSIVE")):
            assert judged(expect(at_most=10 - half - shift), values).verdict == verdict
            assert judged(expect(at_least=10 + half + shift), values).verdict == verdict

    def test_the_interval_shown_is_the_one_judged_by(self) -> None:
        check = judged(expect(at_least=0), seeds(9, 9.5, 10.5, 11))
        assert check.measured.n == 4
        edge = judged(expect(at_least=check.measured.low), seeds(9, 9.5, 10.5, 11))
        assert edge.p_for == pytest.approx(ALPHA)

    def test_orders_of_magnitude_are_compared_as_logarithms(self) -> None:
        band = expect(**{"is": 1e-20, "within": "x10"})
        assert judged(band, seeds(6e-21, 1e-20, 1.6e-20)).verdict == "REPRODUCED"
        assert judged(band, seeds(6e-15, 1e-14, 1.6e-14)).verdict == "CONTRADICTED"
        assert judged(band, seeds(3e-21, 0.0, 3e-20)).verdict == "INCONCLUSIVE"
        assert judged(band, seeds(0.0, 0.0, 0.0)).verdict == "CONTRADICTED"

    def test_few_seeds_decide_nothing(self) -> None:
        check = judged(expect(at_least=0), seeds(5, 5))
        assert (check.verdict, check.reason) == ("INCONCLUSIVE", "2 seeds: 3 or more")

    def test_no_seed_is_no_run(self) -> None:
        assert judged(expect(at_least=0), {}).verdict == "NOT RUN"
        assert not_run(expect(at_least=0), "no data").verdict == "NOT RUN"

    def test_values_that_are_not_there_are_told(self) -> None:
        check = judged(expect(at_least=0), seeds(5, 5.1, 5.2, math.nan))
        assert (check.verdict, check.measured.n, check.reason) == ("REPRODUCED", 3, "1 of 4 runs has no value")

    def test_an_infinite_value_leaves_it_open(self) -> None:
        check = judged(expect(at_least=0), seeds(5, 5.1, math.inf))
        assert (check.verdict, check.reason) == ("INCONCLUSIVE", "a value is infinite")

    @pytest.mark.parametrize(("value", "verdict"), [(1, "REPRODUCED"), (1.1, "REPRODUCED"), (1.2, "CONTRADICTED")])
    def test_equal_values_leave_no_doubt_and_the_edge_belongs_to_the_band(self, value: float, verdict: str) -> None:
        assert judged(expect(**{"is": 1, "within": 1.1 - 1}), seeds(value, value, value)).verdict == verdict

    def test_sides_that_do_not_differ_at_all_say_nothing_of_a_direction(self) -> None:
        for bound in ("at_least", "at_most"):
            assert judged(expect(**{bound: 0}), seeds(0, 0, 0, 0, 0)).verdict == "INCONCLUSIVE"

    def test_a_trend_is_not_judged_by_one_value(self) -> None:
        with pytest.raises(ValueError, match="rises"):
            judged(expect(rises=True), seeds(1, 2, 3))


class TestShares:
    def test_a_share_against_a_band(self) -> None:
        """Of 2000 trials at .3 the interval is about .28 to .32."""
        assert proportion(expect(**{"is": 0.3, "within": 0.03}), 600, 2000).verdict == "REPRODUCED"
        assert proportion(expect(**{"is": 0.3, "within": 0.01}), 600, 2000).verdict == "INCONCLUSIVE"
        assert proportion(expect(**{"is": 0.4, "within": 0.03}), 600, 2000).verdict == "CONTRADICTED"

    def test_a_band_that_reaches_beyond_all_shares_has_one_edge(self) -> None:
        assert proportion(expect(**{"is": 0.01, "within": 0.03}), 10, 2000).verdict == "REPRODUCED"
        assert proportion(expect(**{"is": 0.99, "within": 0.03}), 1990, 2000).verdict == "REPRODUCED"
        assert proportion(expect(**{"is": 0.99, "within": 0.03}), 1000, 2000).verdict == "CONTRADICTED"

    def test_no_trial_is_no_run(self) -> None:
        assert proportion(expect(at_least=0.5), 0, 0).verdict == "NOT RUN"

    def test_success_more_often_by_counting_tables(self) -> None:
        """Fisher: of 5 against 5, all against none has 1 of 252 tables; of 4 against 4, 1 of 70."""
        check = more_often(expect(more_often=True), [True] * 5, [False] * 5)
        assert check.p_for == pytest.approx(1 / 252)
        assert check.verdict == "REPRODUCED"
        assert more_often(expect(more_often=True), [True] * 4, [False] * 4).p_for == pytest.approx(1 / 70)
        assert more_often(expect(more_often=True), [True] * 3, [False] * 3).verdict == "INCONCLUSIVE"
        assert more_often(expect(more_often=True), [False] * 5, [True] * 5).verdict == "CONTRADICTED"
        assert more_often(expect(more_often=True), [], [True]).verdict == "NOT RUN"


class TestTrends:
    def levels(self, *rows: list[float]) -> dict[object, dict[int, float]]:
        return {level: dict(enumerate(column)) for level, column in enumerate(zip(*rows, strict=True))}

    def test_page_by_counting_orders(self) -> None:
        """Three rows of four in perfect order: one of 24^3 equally probable outcomes."""
        check = trend(expect(rises=True), self.levels([1, 2, 3, 4], [2, 3, 5, 9], [0, 1, 2, 8]))
        assert check.p_for == pytest.approx(24**-3, rel=1e-6)
        assert check.verdict == "REPRODUCED"

    def test_it_can_fall_and_be_contradicted(self) -> None:
        falling = self.levels([4, 3, 2, 1], [9, 5, 3, 2], [8, 2, 1, 0])
        assert trend(expect(falls=True), falling).verdict == "REPRODUCED"
        assert trend(expect(rises=True), falling).verdict == "CONTRADICTED"

    def test_no_trend_is_open(self) -> None:
        assert trend(expect(rises=True), self.levels([1, 2, 3], [3, 2, 1], [2, 2, 2])).verdict == "INCONCLUSIVE"

    def test_two_levels_or_seeds_are_too_few(self) -> None:
        assert trend(expect(rises=True), self.levels([1, 2], [1, 2], [1, 2])).verdict == "INCONCLUSIVE"
        assert trend(expect(rises=True), self.levels([1, 2, 3], [1, 2, 3])).verdict == "INCONCLUSIVE"

    def test_a_seed_without_a_level_is_left_out(self) -> None:
        check = trend(expect(rises=True), self.levels([1, 2, 3], [1, 2, 3], [1, 2, 3], [1, math.nan, 3]))
        assert check.measured.n == 3


class TestSeveral:
    def check(self, p_for: float, p_against: float = 1.0) -> Check:
        return Check(
            expect(at_least=0), judged(expect(at_least=0), seeds(1, 2, 3)).measured, "a test", p_for, p_against
        )

    def test_holm_multiplies_the_smallest_by_the_number_and_never_falls(self) -> None:
        """Holm 1979: of .01, .04 and .03: 3 x .01, 2 x .03, and .04 raised to that."""
        found = [one.p_for for one in holm([self.check(0.01), self.check(0.04), self.check(0.03)])]
        assert found == pytest.approx([0.03, 0.06, 0.06])

    def test_a_verdict_that_holds_alone_may_not_hold_among_many(self) -> None:
        alone = self.check(0.02)
        assert alone.verdict == "REPRODUCED"
        assert holm([alone, self.check(0.02)])[0].verdict == "INCONCLUSIVE"

    def test_both_sides_are_adjusted(self) -> None:
        found = holm([self.check(1.0, 0.02), self.check(1.0, 0.02)])
        assert [one.verdict for one in found] == ["INCONCLUSIVE", "INCONCLUSIVE"]

    def test_what_was_not_tested_does_not_count(self) -> None:
        found = holm([self.check(0.02), not_run(expect(at_least=0), "no data")])
        assert [one.verdict for one in found] == ["REPRODUCED", "NOT RUN"]
