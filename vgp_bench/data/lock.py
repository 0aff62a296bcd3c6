"""One process at a time: parallel runs must not fetch or decode data twice, nor read it half done."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Wait until no other process holds lock_file, then hold it; the system lets go when the process ends.

    Where the file cannot be made or the system has no such locks, goes on without one.
    """
    with ExitStack() as stack:
        if sys.platform != "win32":
            import fcntl

            try:
                lock_file.parent.mkdir(parents=True, exist_ok=True)
                held = stack.enter_context(lock_file.open("a"))
                fcntl.flock(held, fcntl.LOCK_EX)
            except OSError:
                pass  # a folder that cannot be written has no writers to wait for
        yield
