"""The speed figures of the project. Each is a ratio of two things timed in turn, in one process, on one machine."""
