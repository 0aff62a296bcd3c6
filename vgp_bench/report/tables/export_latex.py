r"""A comparison as a LaTeX fragment for \input; needs \usepackage{booktabs} and nothing else."""

import re
import unicodedata
from itertools import groupby

from vgp_bench.report.tables.sheet import Column, Sheet

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "'": "'",
    "`": r"\textasciigrave{}",
    "-": r"-{}",  # two of them would become a dash
    "±": r"$\pm$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "\u00a0": "~",
}
_ACCENTS = "\u0300\u0301\u0302\u0303\u0308"
"""Grave, acute, circumflex, tilde and diaeresis, which every font of LaTeX can put on a letter; none, too."""

_NUMBER = re.compile(r"(?<![\w.])([+-]?)(\d[\d,]*(?:\.\d+)?)(?:e([+-]\d+))?(?![\w.])")


def to_latex(made: Sheet) -> str:
    """A tabular between booktabs' rules. What all runs share and the notes are comments, for the caption."""
    lines = ["% needs \\usepackage{booktabs}"]
    lines += [f"% all runs: {_comment('  '.join(made.above))}"] if made.above else []
    lines += [f"\\begin{{tabular}}{{{''.join('l' if column.left else 'r' for column in made.columns)}}}", "\\toprule"]
    lines += _header(made.columns)
    lines.append("\\midrule")
    for row in range(len(made.names)):
        lines.append(_row([_cell(column, column.cells[row]) for column in made.columns]))
    lines += ["\\bottomrule", "\\end{tabular}"]
    notes = made.notes(made.columns)
    return "\n".join([*lines, *(f"% {_comment(note)}" for note in notes)]) + "\n"


def _header(columns: list[Column]) -> list[str]:
    height = max(len(column.header) for column in columns)
    lines = []
    if any(column.group for column in columns):
        spans = [(name, len(list(members))) for name, members in groupby(columns, key=lambda column: column.group)]
        lines.append(_row([_span(name, count) for name, count in spans]))
    for i in range(height):
        texts = []
        for column in columns:
            header = [""] * (height - len(column.header)) + list(column.header)
            texts.append(escaped(header[i]))
        lines.append(_row(texts))
    return lines


def _span(name: str, count: int) -> str:
    return f"\\multicolumn{{{count}}}{{c}}{{{escaped(name)}}}" if name else " & " * (count - 1)


def _row(cells: list[str]) -> str:
    # A row that begins with [ or * would be read as an argument of the \\ before it.
    return f"{{}}{' & '.join(cells)} \\\\"


def _cell(column: Column, text: str) -> str:
    if column.setting:
        return escaped(text)
    parts, end = [], 0
    for match in _NUMBER.finditer(text):
        sign, digits, exponent = match.groups()
        power = f" \\times 10^{{{int(exponent)}}}" if exponent else ""
        parts += [escaped(text[end : match.start()]), f"${sign}{digits.replace(',', '{,}')}{power}$"]
        end = match.end()
    cell = "".join([*parts, escaped(text[end:])])
    # One formula a number with its interval, so that the signs get the space of an operator.
    return cell.replace("$ $\\pm$$", r" \pm ").replace(r"$ $\times$$\div$$", r" \mathbin{{\times}{\div}} ")


def escaped(text: str) -> str:
    """Text as LaTeX prints it; what its usual fonts lack is named by its code point."""
    return "".join(_sign(sign) for sign in text)


def _sign(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    if sign.isspace():
        return " "
    parts = unicodedata.normalize("NFD", sign)
    letter, accents = parts[:1], parts[1:]
    known = letter.isascii() and letter.isprintable() and accents in _ACCENTS
    return sign if known else f"{{[U+{ord(sign):04X}]}}"


def _comment(text: str) -> str:
    return " ".join(text.split())  # a line break would end the comment
