"""The lock that keeps parallel runs from making the same thing twice."""

import threading
import time
from pathlib import Path

import numpy as np

from vgp_bench.data.lock import exclusive
from vgp_bench.data.pixel_cache import cached_pixels


def test_two_runs_at_once_decode_once(tmp_path: Path) -> None:
    # The lock belongs to the open file, so two threads stand in for two processes.
    decoded = []

    def decode() -> np.ndarray:
        decoded.append(1)
        time.sleep(0.2)
        return np.ones((2, 1, 2, 2), np.uint8)

    runs = [threading.Thread(target=cached_pixels, args=(tmp_path, "entry", decode)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(decoded) == 1


def test_a_place_that_cannot_be_written_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with exclusive(tmp_path / "file" / "lock"):
        pass


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    for _ in range(2):
        try:
            with exclusive(tmp_path / "lock"):
                raise KeyError
        except KeyError:
            pass
