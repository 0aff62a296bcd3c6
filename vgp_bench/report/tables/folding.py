"""Names folded over several lines, at the places where they are put together."""

import re


def fold(text: str, width: int, cut: bool = False) -> list[str]:
    """The text in pieces of at most `width` characters, parted after `_ . / - ,` or a space.

    A number stays with its word. cut: a piece without such a seam is hyphenated; otherwise it stays as long as it is.
    """
    lines = [""]
    for piece in re.findall(r"(?:\d+ )?[^_./\-, ]*[_./\-, ]?", text):
        if len(lines[-1] + piece.rstrip()) > width and lines[-1]:
            lines.append("")
        while cut and len(piece.rstrip()) > width:
            lines[-1] = f"{piece[: width - 1]}-"
            lines.append("")
            piece = piece[width - 1 :]
        lines[-1] += piece
    return [line.rstrip() for line in lines if line.strip()] or [""]
