"""Runs the benchmarks on the CPU and prints one table, which --out also writes. For a GPU: scripts/gpu_check."""

import argparse
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks import live, measuring, overhead, textbook
from benchmarks.calling import leave, output, whole
from benchmarks.needed_data import check_cifar, check_mnist
from benchmarks.timing import Ratio
from vgp_bench.records.environment import describe_environment
from vgp_bench.report.output_file import write_text

PROG = "scripts/bench"
NEED_MNIST = (None, "measuring", "textbook")


@dataclass
class Found:
    """What has been measured so far: each table as far as it got."""

    load: float = field(default_factory=lambda: os.getloadavg()[0])
    ratios: list[Ratio] = field(default_factory=list)
    costs: list[live.Cost] = field(default_factory=list)
    sizes: list[overhead.Sized] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.ratios or self.costs or self.sizes)

    def text(self, whole: bool) -> str:
        """The tables, and on what; whole: whether nothing is missing."""
        here = describe_environment("cpu", [])
        lines = [
            f"{datetime.now(UTC):%Y-%m-%d}, {here['cpu']}, {torch.get_num_threads()} threads, torch "
            f"{torch.__version__}, Python {platform.python_version()}, vgp_bench {str(here['code']['commit'])[:12]}; "
            f"load average {self.load:.1f} before, {os.getloadavg()[0]:.1f} after",
        ]
        if not whole:
            lines += ["", "Broken off: what is missing was not measured."]
        if self.ratios:
            lines += ["", "| what | ratio (median) | range | bound | seconds (medians) |", "|---|---|---|---|---|"]
            lines += [ratio.line() for ratio in self.ratios]
        if self.costs:
            lines += ["", *live.lines(self.costs)]
        if self.sizes:
            lines += ["", *overhead.Overhead(self.sizes).lines()]
        return "\n".join(lines) + "\n"


def main() -> None:
    arguments = _arguments()
    if arguments.only in NEED_MNIST:
        check_mnist(arguments.data_dir)
    if arguments.cifar is not None:
        check_cifar(arguments.cifar)
    found, complete = Found(), False
    try:
        _measure(found, arguments)
        complete = True
    finally:  # what took minutes is not lost with what came after it
        if found:
            text = found.text(complete)
            print(text)
            if arguments.out is not None:
                write_text(arguments.out, "# Speed, measured by scripts/bench\n\n" + text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=PROG, description=__doc__)
    parser.add_argument("--out", type=output, help="also write the table to this file")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("VGP_DATA_DIR", "data")))
    parser.add_argument("--cifar", type=Path, help="CIFAR-10 as an image folder (train/, test/)")
    parser.add_argument("--pairs", type=whole(1), default=5, help="pairs timed for each ratio (some take more)")
    parser.add_argument("--only", choices=["textbook", "measuring", "overhead", "live"])
    return parser.parse_args()


def _measure(found: Found, arguments: argparse.Namespace) -> None:
    """Everything that was asked for, into `found` as it comes."""
    only = arguments.only
    cifar = arguments.cifar.resolve() if arguments.cifar is not None else None
    if only in (None, "measuring"):
        data = [f"data_dir={arguments.data_dir}", "device=cpu"]
        augmented = ["dataset=image_folder", f"dataset.folder={cifar}", "dataset.crop_padding=4", "dataset.flip=true"]
        words = [*data, *augmented] if cifar is not None else None
        _gather(found.ratios, measuring.benchmark(data, words, arguments.pairs))
    if only in (None, "textbook"):
        _gather(found.ratios, textbook.benchmark(arguments.data_dir, cifar, arguments.pairs))
    if only in (None, "live"):
        found.costs.extend(live.benchmark(arguments.pairs))
    if only in (None, "overhead"):
        found.sizes.extend(overhead.overhead())


def _gather(ratios: list[Ratio], measured: Iterable[Ratio]) -> None:
    for ratio in measured:
        print(ratio.line(), file=sys.stderr, flush=True)  # minutes before the rest
        ratios.append(ratio)


if __name__ == "__main__":
    leave(PROG, main)
