"""What a launcher has to say beside the ends of its tasks."""

import contextlib
import sys

from tqdm import tqdm


def tell(line: str) -> None:
    """A line for the person at the terminal, above the bars if there are any; nothing if the terminal is gone."""
    with contextlib.suppress(OSError):
        tqdm.write(f"vgp-bench: note: {line}", file=sys.stderr)
        sys.stderr.flush()
