"""Every claim on disk: its file can be read, its words compose at every scale, its module judges what it expects."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from vgp_bench.claims.cells import cells
from vgp_bench.claims.claim import Claim, read_claim
from vgp_bench.claims.evidence import Evidence, Observed
from vgp_bench.claims.gathering import Gathered
from vgp_bench.claims.judgement import judge
from vgp_bench.claims.myths import COMPUTED, myths
from vgp_bench.claims.registry import PAPERS, claims, reading_of
from vgp_bench.config_check import check
from vgp_bench.errors import ConfigError

CLAIMS = list(claims().values())
SCALES = [(claim, scale) for claim in CLAIMS for scale in claim.scales]
names = pytest.mark.parametrize("claim", CLAIMS, ids=[claim.name for claim in CLAIMS])
scales = pytest.mark.parametrize(("claim", "scale"), SCALES, ids=[f"{claim.name}-{scale}" for claim, scale in SCALES])


def test_each_file_has_its_module_and_the_other_way_round() -> None:
    assert {path.stem for path in PAPERS.glob("*.yaml")} == {path.stem for path in PAPERS.glob("*.py")} - {"__init__"}
    assert len(CLAIMS) == len(list(PAPERS.glob("*.yaml"))) > 0


@scales
def test_every_cell_is_a_run_that_can_be_built(claim: Claim, scale: str) -> None:
    made = cells(claim, claim.scales[scale], 1, ["device=cpu"])
    for cell in made:
        check(cell.composed)
    assert len({json.dumps(cell.composed.config, sort_keys=True, default=str) for cell in made}) == len(made)


@scales
def test_so_is_the_first_cell_of_every_arm_that_is_spoilt(claim: Claim, scale: str) -> None:
    whole = claim.scales[scale]
    spoilt = replace(whole, arms={arm: words for arm, words in whole.arms.items() if arm in whole.broken})
    made = cells(claim, spoilt, 1, ["device=cpu"], broken=True)
    for arm in whole.broken:
        check(next(cell.composed for cell in made if cell.arm == arm))


@scales
def test_the_module_judges_just_what_the_file_expects_and_nothing_is_no_run(claim: Claim, scale: str) -> None:
    """Without one run each expectation is NOT RUN: no module makes up a figure, or fails for want of one."""
    grid = claim.scales[scale].grid
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    lost = [
        Observed(arm, point, seed, missing="no run")
        for arm in claim.scales[scale].arms
        for point in points
        for seed in range(claim.scales[scale].seeds)
    ]
    found = judge(Gathered(Evidence(claim, scale, lost), 0, 0.0))
    assert {one.verdict for one in found.checks} == {"NOT RUN"}
    assert set(found.verdicts.values()) == {"NOT RUN"}


@scales
def test_what_runs_on_a_laptop_says_how_it_could_come_out_otherwise(claim: Claim, scale: str) -> None:
    if scale != "paper":
        assert claim.scales[scale].broken


@scales
def test_a_scale_keeps_to_its_time(claim: Claim, scale: str) -> None:
    assert claim.scales[scale].minutes <= {"init": 0.5, "smoke": 2.0}.get(scale, 1e6)


@names
def test_what_a_reader_is_told_is_there(claim: Claim) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.name)
    assert claim.sentence.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", claim.source)
    assert claim.caveats
    for scale in claim.scales.values():
        assert scale.expect
        assert scale.decides.endswith(".")
        for one in scale.expect.values():
            assert len(one.source) > 3


@names
def test_the_module_says_what_it_reads_off(claim: Claim) -> None:
    module = reading_of(claim)
    assert (module.__doc__ or "").startswith(f"{claim.name}: ")
    assert callable(module.check)
    assert callable(module.picture)


class TestForms:
    def file(self, folder: Path, **changes: object) -> Path:
        content = yaml.safe_load((PAPERS / "sigmoid_decay.yaml").read_text())
        scale = content["scales"]["init"]
        for key, value in changes.items():
            (scale if key in scale or key in ("grid", "measures", "trained", "seds") else content)[key] = value
        path = folder / "claim.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    def test_the_untouched_file_can_be_read(self, tmp_path: Path) -> None:
        assert read_claim(self.file(tmp_path)).scales["init"].arms["xavier"] == ("initializer=xavier_normal",)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seds": 3}, "no such key: seds"),
            ({"sentense": "x"}, "no such key: sentense"),
            ({"arms": {"a": "initializer"}}, "words are GROUP=OPTION"),
            ({"broken": {"b": "seed=1"}}, "broken: no such arm: b"),
            ({"trained": False}, "neither trained nor measured"),
            ({"scales": {"huge": {}}}, "there are init, smoke, paper"),
        ],
    )
    def test_another_form_is_refused_in_one_line(
        self, tmp_path: Path, changes: dict[str, object], message: str
    ) -> None:
        with pytest.raises(ConfigError, match=message) as refused:
            read_claim(self.file(tmp_path, **changes))
        assert "\n" not in str(refused.value)

    def test_a_file_that_is_no_yaml_is_refused_in_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "claim.yaml"
        path.write_text("sentence: [")
        with pytest.raises(ConfigError, match=r"claim\.yaml") as refused:
            read_claim(path)
        assert "\n" not in str(refused.value)

    def test_a_key_of_the_grid_that_no_run_has_is_refused(self, tmp_path: Path) -> None:
        claim = read_claim(self.file(tmp_path, grid={"architecture.dpth": [2, 3]}))
        with pytest.raises(ConfigError, match=r"architecture.dpth: no such key of a run"):
            cells(claim, claim.scales["init"], 1)

    def test_a_group_in_the_grid_is_refused(self, tmp_path: Path) -> None:
        claim = read_claim(self.file(tmp_path, grid={"architecture": ["mlp"]}))
        with pytest.raises(ConfigError, match="an option of a group is an arm"):
            cells(claim, claim.scales["init"], 1)


class TestMyths:
    def test_each_is_answered_by_a_claim_that_there_is_or_by_arithmetic_or_a_source(self) -> None:
        known = claims()
        found = myths()
        assert len(found) >= 15
        for myth in found:
            assert myth.answer
            assert not myth.claim or myth.claim in known, myth.claim
            assert not myth.computed or myth.computed in COMPUTED
            assert set(myth.figures) <= {
                name for scale in (known[myth.claim].scales.values() if myth.claim else ()) for name in scale.expect
            }
            assert myth.claim or myth.computed or re.search(r"\b(19|20)\d\d\b", myth.answer)

    def test_all_arithmetic_is_used(self) -> None:
        assert {myth.computed for myth in myths()} - {""} == set(COMPUTED)

    @pytest.mark.parametrize(
        ("name", "figures"),
        [
            ("powers", ["2.66e-05"]),
            ("largest_slopes", ["1.1289", "1.0998"]),
            ("sigmoid_bound", ["9.1e-13"]),
            ("forget_gate", ["7.9e-31"]),
        ],
    )
    def test_the_arithmetic_gives_the_figures_of_the_table_of_facts(self, name: str, figures: list[str]) -> None:
        """.9^100 and the largest slopes from claims' table; .25^20 and .5^100 by logarithms: 10^-12.04, 10^-30.10."""
        for figure in figures:
            assert figure in COMPUTED[name]()
