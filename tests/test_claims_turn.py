"""A verdict means something only if it can turn: every claim, spoilt as its file says, is run and judged."""

from pathlib import Path

import pytest

from vgp_bench.claims.registry import claims
from vgp_bench.claims.reproducing import Reproduction

QUICK = ("adam-eps", "clipping", "relu-decay")
SPOILT = [(name, scale) for name, claim in claims().items() for scale in claim.scales if claim.scales[scale].broken]
ON_A_LAPTOP = [(name, scale) for name, scale in SPOILT if scale != "paper"]


def verdicts(name: str, scale: str, folder: Path, broken: bool) -> set[str]:
    words = ["device=cpu", "progress=false", f"results_dir={folder}"]
    return set(Reproduction(None, words, ["a test"], broken).reproduce(claims()[name], scale).verdicts.values())


@pytest.mark.parametrize("name", QUICK)
def test_a_claim_that_holds_is_contradicted_by_a_spoilt_network(name: str, tmp_path: Path) -> None:
    assert verdicts(name, "init", tmp_path, broken=False) == {"REPRODUCED"}
    assert verdicts(name, "init", tmp_path, broken=True) == {"CONTRADICTED"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scale"), ON_A_LAPTOP, ids=[f"{name}-{scale}" for name, scale in ON_A_LAPTOP])
def test_no_spoilt_claim_is_reproduced(name: str, scale: str, tmp_path: Path) -> None:
    assert verdicts(name, scale, tmp_path, broken=True) <= {"CONTRADICTED", "INCONCLUSIVE"}
