"""For all tests, before torch is imported anywhere."""

import os

# One thread: tests are many and small, and threads of several workers would wait for each other. Programs that tests
# start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest


@pytest.fixture(autouse=True)
def same_random_numbers_every_time():
    """What fails once fails again: a test that draws numbers draws the same ones in every run and every order."""
    import torch

    torch.manual_seed(0)
