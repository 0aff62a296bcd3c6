"""For all tests, before torch is imported anywhere."""

import os

# One thread: tests are many and small, and threads of several workers would wait for each other. Programs that tests
# start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
