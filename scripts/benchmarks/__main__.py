"""Runs the benchmarks on the CPU and prints one table, which --out also writes. For a GPU: scripts/gpu_check."""

import argparse
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks import live, measuring, overhead, textbook
from vgp_bench.records.environment import describe_environment


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("VGP_DATA_DIR", "data")))
    parser.add_argument("--cifar", type=Path, help="CIFAR-10 as an image folder (train/, test/)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs timed for each ratio (some take more)")
    parser.add_argument("--only", choices=["textbook", "measuring", "overhead", "live"])
    arguments = parser.parse_args()
    data = [f"data_dir={arguments.data_dir}", "device=cpu"]
    cifar = None
    if arguments.cifar is not None:
        folder = arguments.cifar.resolve()
        cifar = [
            *data,
            "dataset=image_folder",
            f"dataset.folder={folder}",
            "dataset.crop_padding=4",
            "dataset.flip=true",
        ]
    load = os.getloadavg()[0]
    ratios = []
    if arguments.only in (None, "measuring"):
        ratios += measuring.benchmark(data, cifar, arguments.pairs)
    if arguments.only in (None, "textbook"):
        ratios += textbook.benchmark(arguments.data_dir, arguments.cifar, arguments.pairs)
    tables = ["", *live.lines(live.benchmark(arguments.pairs))] if arguments.only in (None, "live") else []
    if arguments.only in (None, "overhead"):
        tables += ["", *overhead.overhead().lines()]
    here = describe_environment("cpu", [])
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {here['cpu']}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
        f"Python {platform.python_version()}, vgp_bench {str(here['code']['commit'])[:12]}; "
        f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after",
    ]
    if ratios:
        lines += ["", "| what | ratio (median) | range | bound | seconds (medians) |", "|---|---|---|---|---|"]
        lines += [ratio.line() for ratio in ratios]
    text = "\n".join([*lines, *tables]) + "\n"
    print(text)
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text("# Speed, measured by scripts/bench\n\n" + text)


if __name__ == "__main__":
    main()
