"""Every architecture on a GPU: the same network and batch as on the CPU at step 0, then a short run; and the ratios."""

import argparse
import copy
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from hydra.utils import get_object
from torch import Tensor

from benchmarks import measuring
from benchmarks.calling import leave, whole
from vgp_bench.architectures.recurrent import Recurrent
from vgp_bench.architectures.transformer import Transformer
from vgp_bench.architectures.vit import ViT
from vgp_bench.building import build, device_name
from vgp_bench.composition import compose
from vgp_bench.config import config_dir
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import check_output
from vgp_bench.training.loop import Loop
from vgp_bench.training.precision import Precision, PrecisionName

ROOT = Path(__file__).parents[2]
STEPS = 20
TOLERANCE: dict[PrecisionName, tuple[float, float]] = {"fp32": (1e-4, 1e-3), "bf16": (0.1, 0.8)}
"""Largest relative difference, in the L2 norm, to the CPU's float32: of the outputs, and of the worst gradient.

Sums are ordered otherwise (float32: 1e-7 a product, more with depth); bf16 rounds each factor to 8 bits, 4e-3, and a
gradient passes twice as many products as an output. A wrong kernel or a wrong sign is off by 1 or more."""


@dataclass
class Checked:
    """One architecture in one precision."""

    architecture: str
    precision: str
    outputs: float = float("nan")
    gradients: float = float("nan")
    rate: float = float("nan")
    peak_mib: float = float("nan")
    verdict: str = ""

    def line(self) -> str:
        figures = f"{self.outputs:.1e} | {self.gradients:.1e} | {self.rate:.0f} | {self.peak_mib:.0f}"
        return f"| {self.architecture} | {self.precision} | {figures} | {self.verdict} |"


def words(architecture: str, device: str, precision: str) -> list[str]:
    (plain,) = compose([f"architecture={architecture}", "device=cpu"])
    target = get_object(plain.config["architecture"]["_target_"])
    # Deep nets are normalized, so that they neither explode nor vanish; recurrent ones are not, so that cuDNN runs.
    normalized = "batch"
    more: list[str] = []
    if issubclass(target, Recurrent):
        normalized, more = "none", ["activation=tanh", "architecture.layers=2", "architecture.bidirectional=true"]
    elif issubclass(target, Transformer | ViT):
        normalized = "layer"
    lr = "optimizer.lr=0.001"
    run = [f"device={device}", f"trainer.precision={precision}", f"trainer.max_steps={STEPS}", "trainer.batch_size=64"]
    return [f"architecture={architecture}", f"normalizer={normalized}", *more, lr, "monitor.dense_steps=2", *run]


def check(architecture: str, device: str, precision: PrecisionName) -> Checked:
    """Outputs and gradients at step 0 beside those of the CPU in float32, then STEPS steps with measuring."""
    checked = Checked(architecture, precision)
    try:
        (composed,) = compose(words(architecture, device, precision))
        (reference,) = compose(words(architecture, "cpu", "fp32"))
        on_cpu = build(reference.config, lambda row: None)
        there = build(composed.config, lambda row: None)
        batch = next(iter(on_cpu.batches.epoch(0)))
        expected = step_zero(on_cpu, batch)
        found = step_zero(there, batch)
        checked.outputs = difference(found[0], expected[0])
        checked.gradients = worst(found[1], expected[1])
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        there.train()
        checked.rate = there.done * there.settings.batch_size / there.clock.seconds
        if device == "cuda":
            checked.peak_mib = torch.cuda.max_memory_allocated() / 2**20
        most_outputs, most_gradients = TOLERANCE[precision]
        equal = checked.outputs <= most_outputs and checked.gradients <= most_gradients
        checked.verdict = "equal" if equal else "DIFFERS"
    except Exception as error:  # one that fails is a row, not the end
        checked.verdict = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return checked


def step_zero(loop: Loop, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, list[Tensor]]:
    """(outputs, the gradient of each parameter), on the CPU, of one pass of a copy in training mode.

    Dropout would draw other numbers on another device: such modules are put to sleep.
    """
    model = copy.deepcopy(loop.model).train()
    for module in model.modules():
        if "Dropout" in type(module).__name__ or "StochasticDepth" in type(module).__name__:
            module.eval()
    inputs, targets = (tensor.to(loop.device) for tensor in batch)
    with Precision(loop.settings.precision, loop.device).autocast():
        outputs = model(inputs).float()
        loss = loop.feed.objective.loss(outputs, targets)
    loss.backward()
    return outputs.detach().cpu(), [p.grad.cpu() for p in model.parameters() if p.grad is not None]


def difference(found: Tensor, expected: Tensor) -> float:
    """||found - expected|| / ||expected||."""
    return float((found - expected).double().norm() / expected.double().norm())


def worst(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The largest relative difference of a parameter's gradient.

    A gradient far below the others (a bias before a normalizer has none but rounding) is compared with a thousandth of
    their median instead of itself.
    """
    floor = 1e-3 * torch.stack([tensor.double().norm() for tensor in expected]).median()
    return max(
        float((a - b).double().norm() / torch.maximum(b.double().norm(), floor))
        for a, b in zip(found, expected, strict=True)
    )


def gpu_tests() -> str:
    """The last line of the tests marked gpu, those that failed after it, or why they were not run."""
    if importlib.util.find_spec("pytest") is None:
        return "not run: this Python has no pytest"
    # Only their files: the others import what a GPU box need not have, and pytest stops at an import that fails.
    files = sorted(str(path) for path in (ROOT / "tests").glob("test_*.py") if "pytest.mark.gpu" in path.read_text())
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"]
    wrong = [line for line in lines[:-1] if line.startswith(("FAILED", "ERROR"))]
    return "; ".join([lines[-1].strip("= "), *wrong])


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/gpu_check", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("gpu_check"), help="folder of the table")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"], help="cpu: try the check itself")
    parser.add_argument("--only", nargs="+", metavar="ARCHITECTURE", help="these architectures, and nothing else")
    parser.add_argument("--pairs", type=whole(1), default=5, help="pairs timed for each ratio")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        print("scripts/gpu_check: torch sees no CUDA device here", file=sys.stderr)
        return 2
    check_output(arguments.out / "table.md")
    # TensorFloat-32 keeps 10 bits of each factor: not the arithmetic the CPU is compared in.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    here = describe_environment(device_name(torch.device(arguments.device)), [])
    lines = [
        "# Every architecture on a GPU, by scripts/gpu_check",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {here['device']}, torch {torch.__version__}, Python {sys.version.split()[0]}, "
        f"vgp_bench {str(here['code']['commit'])[:12]}",
        "",
        f"Differences are relative, in the L2 norm, to float32 on the CPU at step 0; then {STEPS} steps of batch 64.",
        "",
        "| architecture | precision | outputs | gradients | images/s | peak MiB | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    names = arguments.only or sorted(path.stem for path in (config_dir() / "architecture").glob("*.yaml"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    device = here["device"].removeprefix("cuda: ").replace(" ", "_")
    table = arguments.out / f"gpu_check_{device}_torch{torch.__version__.split('+')[0]}.md"
    rows = []
    for name in names:
        for precision in TOLERANCE:
            rows.append(check(name, arguments.device, precision))
            print(rows[-1].line(), flush=True)
            lines.append(rows[-1].line())
            table.write_text("\n".join(lines) + "\n")  # at once: what comes later may fail
    well = True
    if arguments.only is None:
        lines += ["", "| what | ratio (median) | range | bound | seconds (medians) |", "|---|---|---|---|---|"]
        lines += [ratio.line() for ratio in measuring.steps(["dataset=digits"], arguments.pairs)]
        lines += ["", f"Tests marked gpu: {gpu_tests()}"]
        print("\n".join(lines[-6:]))
        well = "passed" in lines[-1] and "failed" not in lines[-1] and "error" not in lines[-1]
    table.write_text("\n".join(lines) + "\n")
    return 0 if well and all(row.verdict == "equal" for row in rows) else 1


if __name__ == "__main__":
    leave("scripts/gpu_check", main)
