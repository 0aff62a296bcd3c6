"""CPU threads of a run: a sum that is split among another number of threads has other bits, so that a run which was
stopped goes on with as many as it began with."""

import contextlib
import sys
from collections.abc import Iterator

import torch
from tqdm import tqdm

from vgp_bench.errors import ResultsError
from vgp_bench.plural import plural
from vgp_bench.records.contents import read_object
from vgp_bench.records.status import RESUMABLE
from vgp_bench.records.store import RunStore


@contextlib.contextmanager
def given_back() -> Iterator[None]:
    """What a run changes of it is for that run alone."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def take_as_begun(store: RunStore) -> None:
    """Sets as many threads as the run in `store` began with, if it is one to be gone on with, and says so. Call it
    before the network is built, should the run have to begin anew after all."""
    begun, asked = _begun_with(store), torch.get_num_threads()
    if begun is None or begun == asked:
        return
    torch.set_num_threads(begun)
    words = f"it began with {plural(begun, 'CPU thread')} and goes on so, not with {asked}"
    tqdm.write(f"vgp-bench: {store.path}: {words}: other bits would come of it", file=sys.stderr)


def _begun_with(store: RunStore) -> int | None:
    """None: it does not go on, or its record says nothing of it, being damaged or of an earlier version."""
    try:
        if store.written_status().state not in RESUMABLE:
            return None
    except ResultsError:
        if not (store.path / "status.json").is_file():
            return None
    try:
        threads = read_object(store.path / "environment.json", dict).get("threads")
    except ResultsError:
        return None
    return threads if isinstance(threads, int) and threads > 0 else None
