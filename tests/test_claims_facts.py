"""The numbers in the claims' files against a table of facts that was written down apart from them."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from vgp_bench.claims.registry import PAPERS, claims

FACTS: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "claim_facts.yaml").read_text())
DIRECTIONS: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "claim_directions.yaml").read_text())
ENTRIES = [
    (path.stem.replace("_", "-"), scale, name, entry)
    for path in sorted(PAPERS.glob("*.yaml"))
    for scale, content in yaml.safe_load(path.read_text())["scales"].items()
    for name, entry in content["expect"].items()
]


def worked_out(text: Any) -> str | float:
    """A number, or the value of a formula; `5%` and `x10` as they are, in one form."""
    written = str(text)
    if written.endswith("%"):
        return f"{float(written[:-1]):g}%"
    if written.startswith("x"):
        return f"x{float(written[1:]):g}"
    names = {"log": math.log, "sqrt": math.sqrt, "e": math.e}
    return float(eval(written, {"__builtins__": {}}, names))


def known(number: Any, claim: str) -> bool:
    found = worked_out(number)
    table = FACTS[claim]
    for entry in [*table.get("facts", []), *table.get("chosen", {})]:
        fact = worked_out(entry)
        if found == fact:
            return True
        # As many figures as a claim writes down.
        if isinstance(found, float) and isinstance(fact, float) and math.isclose(found, fact, rel_tol=2e-3):
            return True
    return False


def test_there_is_an_entry_for_each_claim_and_no_other() -> None:
    assert set(FACTS) == set(claims())


@pytest.mark.parametrize(("claim", "scale", "name", "entry"), ENTRIES, ids=[f"{c}-{s}-{n}" for c, s, n, _ in ENTRIES])
def test_every_number_is_in_the_table(claim: str, scale: str, name: str, entry: dict[str, Any]) -> None:
    for key in ("is", "within"):
        if key in entry:
            assert known(entry[key], claim), f"{key}: {entry[key]}"
    for key in ("at_least", "at_most"):
        if key in entry and float(entry[key]) not in (0.0, 1.0):
            assert known(entry[key], claim), f"{key}: {entry[key]}"


@pytest.mark.parametrize(("claim", "scale", "name", "entry"), ENTRIES, ids=[f"{c}-{s}-{n}" for c, s, n, _ in ENTRIES])
def test_a_bound_points_the_way_that_it_was_read(claim: str, scale: str, name: str, entry: dict[str, Any]) -> None:
    if "is" not in entry:
        assert DIRECTIONS[claim][name] in entry


def test_a_number_that_is_not_in_the_table_is_found() -> None:
    assert known("0.1413", "sigmoid-decay")
    assert not known("0.15", "sigmoid-decay")
    assert not known("6%", "sigmoid-decay")


def test_what_was_chosen_has_a_reason() -> None:
    for table in FACTS.values():
        for reason in table.get("chosen", {}).values():
            assert len(reason) > 5
