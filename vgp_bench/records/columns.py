"""docs/columns.md: every recorded figure with unit and definition. Write it anew with
`python -m vgp_bench.records.columns > docs/columns.md` after a change of a row type or of Summary.
"""

from dataclasses import fields

from vgp_bench.records.rows import columns_as_markdown
from vgp_bench.records.summary import Summary

_HEADER = """# What a run records

A run directory holds one Parquet file for each table below (read it with `pandas.read_parquet`) and a
`summary.json`. This page is generated from the row types; do not edit it:
`python -m vgp_bench.records.columns > docs/columns.md`.

h_l: output of stage l. W_l: its weight matrices and filters, without biases and gains. L: mean-reduced loss.
Gradients are taken before clipping. Norms cover the finite values; non-finite ones are counted apart.
NaN: not measured at this step. Plain L2 norms grow with the size of a layer; RMS does not.
"""


def columns_document() -> str:
    """The whole text of docs/columns.md."""
    lines = [_HEADER, columns_as_markdown(), "## `summary.json`", "", (Summary.__doc__ or "").strip(), ""]
    lines += ["`null` means not measured.", "", "| figure | unit | definition |", "|---|---|---|"]
    for f in fields(Summary):
        definition = f.metadata["definition"].replace("|", r"\|")
        lines.append(f"| `{f.name}` | {f.metadata['unit']} | {definition} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(columns_document(), end="")
