"""`vgp-bench run`: a run or a sweep, in the words of Hydra. Torch is imported only when a run starts."""

from collections.abc import Sequence
from typing import Any


def add(commands: Any) -> None:
    """Adds the name to the subparsers of argparse; the words after it are Hydra's to read."""
    commands.add_parser("run", help="compose a network, train it, record its signal flow (-m: a sweep)", add_help=False)


def run(words: Sequence[str]) -> int:
    """Does the runs these words compose, and shows the signal flow of a single one; returns the exit code."""
    from vgp_bench.composition import compose
    from vgp_bench.override_words import read_flags
    from vgp_bench.sweep import Sweep

    words, flags = read_flags(words)
    runs = compose(words)
    if not runs:
        return 0
    if flags.dry_run:
        from vgp_bench.rehearsal import rehearse

        print(rehearse(runs))
        return 0
    sweep = Sweep(command=["vgp-bench", "run", *words])
    sweep.run_all(runs, flags.detach)
    if len(runs) == 1 and sweep.finished:
        from vgp_bench.records.reading import read_run
        from vgp_bench.report.tables.signal_flow import signal_flow

        if flow := signal_flow(read_run(sweep.finished[0])):
            print(f"\n{flow}")
    return sweep.exit_code
