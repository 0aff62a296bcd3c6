"""Where a command writes: the terminal, or the file of `-o FILE`, whose suffix says the format."""

from collections.abc import Mapping
from pathlib import Path

from vgp_bench.errors import UserError


def format_of(output: Path | None, suffixes: Mapping[str, str]) -> str:
    """The format, of `suffixes` (format -> suffix), that the name of the file asks for; the first one without a file.

    Raises UserError for a name that asks for none.
    """
    if output is None:
        return next(iter(suffixes))
    for name, suffix in suffixes.items():
        if output.suffix.lower() == suffix:
            return name
    raise UserError(f"-o {output.name}: name a file that ends in {', '.join(suffixes.values())}, or give --format")


def check(output: Path | None) -> None:
    """Before the work, the same for every command: raises ResultsError if the file could not be written."""
    from vgp_bench.report.output_file import check_output

    if output is not None:
        check_output(output)


def write(output: Path | None, text: str) -> None:
    """Prints the text, or writes it and prints the name of the file. Raises ResultsError if that is impossible."""
    from vgp_bench.report.output_file import write_text

    if output is None:
        print(text.rstrip("\n"))
        return
    write_text(output, text if text.endswith("\n") else f"{text}\n")
    print(output)
