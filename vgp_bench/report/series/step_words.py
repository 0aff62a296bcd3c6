"""The steps of a figure that stands at one step, in words."""

from collections.abc import Iterable

from vgp_bench.records.signal import Step


def at_step(steps: Iterable[int], asked: Step) -> str:
    """`at initialization`, `at step 50`, or, where runs differ in their last step, `at the last step (50 to 90)`.

    steps: those that are shown; asked: what was asked for.
    """
    shown = sorted(set(steps))
    if shown == [0]:
        return "at initialization"
    if len(shown) == 1:
        return f"at step {shown[0]}"
    return f"at the {asked} step ({shown[0]} to {shown[-1]})"


def not_logged(asked: Step, logged: Iterable[int], done: str = "logged") -> str:
    """One line that says which steps there are; done: logged, or probed."""
    steps = sorted(set(logged))
    few = ", ".join(map(str, steps)) if len(steps) <= 8 else f"{', '.join(map(str, steps[:7]))}, ... {steps[-1]}"
    return f"step {asked} was not {done}; choose first, last or one of {few}"


def pick(steps: list[int], asked: Step) -> int | None:
    """The step asked for among ascending steps, None if it is not there."""
    if not steps:
        return None
    wanted = steps[0] if asked == "first" else steps[-1] if asked == "last" else asked
    return wanted if wanted in steps else None
