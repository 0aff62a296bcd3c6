"""What it costs to record what the verdicts are read from; all rule sets read the same records."""

import statistics
import time

from benchmarks.composing import built

NETWORK = "MLP 10 x 256, digits, 800 steps"
WORDS = ["architecture=mlp", "architecture.depth=10", "dataset=digits", "device=cpu", "progress=false"]
LENGTH = ["trainer.batch_size=64", "trainer.max_steps=800", "trainer.max_epochs=1000"]
PAIRS = 3


def overhead() -> str:
    """A sentence with the ratio of CPU times, which other work on the machine lengthens less than those of a clock;
    measured anew, in about a minute."""
    _seconds()
    ratios = sorted(_seconds() / _seconds("monitor=off") for _ in range(PAIRS))
    median, least, most = statistics.median(ratios), ratios[0], ratios[-1]
    return (
        f"Overhead: a training with monitor=default ({NETWORK}) takes {median:.2f} times the CPU time of one with "
        f"monitor=off ({least:.2f} ... {most:.2f} in {PAIRS} pairs); the Monitor in a loop of one's own: "
        "[monitor_cpu.md](monitor_cpu.md)."
    )


def _seconds(*words: str) -> float:
    """Of a core, for the training alone."""
    loop = built(*WORDS, *LENGTH, *words)
    began = time.process_time()
    loop.train()
    return time.process_time() - began
