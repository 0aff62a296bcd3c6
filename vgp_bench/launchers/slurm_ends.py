"""What Slurm's words for the end of a job mean for its run, where the run itself has left none."""

NOT_ITS_FAULT = frozenset({"BOOT_FAIL", "NODE_FAIL", "PREEMPTED"})
"""Ends after which a task is submitted again, where Slurm was told not to queue it again by itself."""
BY_LIMIT = frozenset({"OUT_OF_MEMORY", "TIMEOUT"})
"""Ends of which Slurm knows the reason, and the record of the run does not."""

_WORDS = {
    "CANCELLED": "its job was cancelled",
    "TIMEOUT": "its job reached its time limit without heeding the signal before; see launcher.time and warning",
    "OUT_OF_MEMORY": "its job needed more memory than it had; set launcher.memory",
    "COMPLETED": "its job ended without a word",
}


def why(state: str | None) -> str:
    """What became of a job that left no word, in one line. state: Slurm's; None if it no longer knows the job."""
    if state is None:
        return "Slurm no longer knows its job: it was cancelled, or lost"
    return _WORDS.get(state, f"its job ended as {state}")
