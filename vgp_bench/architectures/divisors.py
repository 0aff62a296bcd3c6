"""Sizes that must divide another one, and which ones near a wrong one would."""


def near_divisors(whole: int, wanted: int) -> str:
    """The divisors of `whole` next below and above `wanted`, for an error message: '4 or 8'."""
    divisors = [number for number in range(1, whole + 1) if whole % number == 0]
    below = max((number for number in divisors if number < wanted), default=divisors[0])
    above = min((number for number in divisors if number > wanted), default=divisors[-1])
    return " or ".join(str(number) for number in sorted({below, above}))
