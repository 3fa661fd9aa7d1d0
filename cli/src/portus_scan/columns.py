"""Columns that need no terminal: lined up with blanks, without the time that importing rich takes."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = "  "


def line_up(lines: Sequence[Sequence[str]], width: int) -> str | None:
    """Return the lines with their cells lined up, as rich does it in a pipe.

    Args:
        lines: Lines of the same number of cells; no cell has a line feed.
        width: Columns that a line may have.

    Returns:
        The text; None where it takes more: a line that does not fit, a character that is not one column wide.
    """
    if not all(cell.isascii() for line in lines for cell in line):
        return None
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        return None
    return "".join(f"{_GAP.join(map(str.ljust, line, widths)).rstrip(' ')}\n" for line in lines)
