"""scripts/gpu_check, tried on the CPU: it compares, writes as it goes, and says what it lacks."""

import subprocess
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


def gpu_check(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts/gpu_check"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_every_row_is_compared_with_the_cpu(tmp_path: Path) -> None:
    done = gpu_check(str(tmp_path), "--device", "cpu", "--only", "mlp", "gru", "no_such")
    (table,) = tmp_path.glob("gpu_check_*.md")
    rows = [
        line.split(" | ") for line in table.read_text().splitlines() if line.startswith(("| mlp", "| gru", "| no_"))
    ]
    verdicts = {(row[0].strip("| "), row[1]): row[-1].strip(" |") for row in rows}
    assert verdicts["mlp", "fp32"] == verdicts["gru", "fp32"] == "equal"
    assert verdicts["no_such", "fp32"].startswith("ConfigError")
    assert done.returncode == 1, "a row that failed must not pass for success"
    if torch.cpu._is_avx512_bf16_supported():
        assert verdicts["mlp", "bf16"] == verdicts["gru", "bf16"] == "equal"
        rounded = next(row for row in rows if row[:2] == ["| mlp", "bf16"])
        assert 1e-4 < float(rounded[2]) < 0.1, "bf16 outputs must be near, and not equal"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_says_so() -> None:
    done = gpu_check()
    assert (done.returncode, done.stderr) == (2, "scripts/gpu_check: torch sees no CUDA device here\n")
