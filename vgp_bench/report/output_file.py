"""The file that a user names for what a command shows: asked for before the work, written with the folders above it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vgp_bench.errors import ResultsError
from vgp_bench.records.files import check_writable, write_atomically, writing


def check_output(path: str | Path) -> None:
    """Raises ResultsError if such a file could not be written; to ask before minutes of work. Leaves no trace."""
    path = Path(path)
    if path.is_dir():
        raise ResultsError(f"cannot write {path}: it is a folder; name a file in it")
    with to_file(path):
        check_writable(path.parent)


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """In it the file is written, and nothing else. Raises ResultsError of one line, which asks for another file, where
    that fails; one that is not about writing, say about a damaged run, stays as it is.
    """
    try:
        with writing(path):
            yield
    except ResultsError as error:
        # Below, files of runs are written, and there it is results_dir that has to change.
        reason, is_of_writing, _ = str(error).partition(": cannot write ")
        if not is_of_writing:
            raise
        raise type(error)(f"{reason}: cannot write {path}; name a file elsewhere") from error


def write_text(path: Path, text: str) -> None:
    """Puts the text there in one step, with the folders above it. Raises ResultsError if it cannot be written."""
    with to_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
