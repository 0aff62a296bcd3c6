"""How many of what, in words that agree: `1 run`, `2 runs`."""


def plural(count: int, noun: str, verb: str = "") -> str:
    """`1 layer`, `3 hidden layers`: the noun is given in the singular and takes an s.

    verb: in the plural, behind the noun (`3 runs are`, `1 run is`): be, have, or one that takes an s in the singular.
    """
    said = f"{count} {noun if count == 1 else f'{noun}s'}"
    return f"{said} {agreeing(count, verb)}" if verb else said


def agreeing(count: int, verb: str) -> str:
    """The verb as so many do it: `are` or `is`, `have` or `has`, `move` or `moves`."""
    singular = {"are": "is", "were": "was", "have": "has", "go": "goes", "apply": "applies"}
    return verb if count != 1 else singular.get(verb, f"{verb}s")
