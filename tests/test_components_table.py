"""docs/activations.md is what the code says, and the code says what the formulas say."""

import math
from pathlib import Path

import pytest
from torch import nn

from vgp_bench.components.table import activations_document, described

ROOT = Path(__file__).parents[1]


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs/activations.md").read_text(encoding="utf-8")
    assert page == activations_document(ROOT / "configs/activation"), (
        "write it anew: python -m vgp_bench.components.table configs/activation > docs/activations.md"
    )


# E[ELU(z)^2]: 1/2 from z > 0; from z < 0 the integral of e^2z - 2 e^z + 1, term by term
ELU_SQUARE = 1 / 2 + math.exp(2) * math.erfc(2**0.5) / 2 - math.exp(1 / 2) * math.erfc(0.5**0.5) + 1 / 2


@pytest.mark.parametrize(
    ("activation", "slope", "where", "gain"),
    [
        (nn.Identity(), 1, "never", 1),
        (nn.ReLU(), 1, "z <= 0", math.sqrt(2)),  # He et al. 2015, equation 10
        (nn.PReLU(), 1, "never", math.sqrt(2 / (1 + 0.25**2))),  # equation 15
        (nn.Sigmoid(), 1 / 4, "z < -4.357, and z > 4.357", None),  # 2 acosh(sqrt(20)) = 4.3572
        (nn.Hardsigmoid(), 1 / 6, "z <= -3, and z >= 3", None),
        (nn.SELU(), 1.0507 * 1.67326, "z < -2.996", 1),  # ln(1/20) = -2.9957; Klambauer et al. 2017
        (nn.ELU(), 1, "z < -2.996", ELU_SQUARE**-0.5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_rows_match_the_closed_forms(activation: nn.Module, slope: float, where: str, gain: float | None) -> None:
    found = described(activation)
    assert float(found[0]) == pytest.approx(slope, abs=1e-4)
    assert found[1] == where
    if gain is not None:
        assert float(found[2]) == pytest.approx(gain, abs=1e-4)


def test_a_dip_has_two_ends_and_no_gain_is_said_so() -> None:
    assert described(nn.SiLU())[1] == "z < -3.930, and -1.595 < z < -1.059"
    assert described(nn.Threshold(1e9, 0.0))[2] == "none"
