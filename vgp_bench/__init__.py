"""vgp_bench: see where the learning signal of a deep network dies, why, and which remedy works."""

__version__ = "0.1.0"
