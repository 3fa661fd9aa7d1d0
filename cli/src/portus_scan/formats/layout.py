"""Lines for people: paragraphs that are folded, rows in aligned columns. No boxes; colour only where it is wanted.

In a terminal everything fits its width. In a pipe or a file a row is one line and is as long as it is. (Tables of rich
take 2 ms a row, and fold.)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import click
from attrs import frozen
from rich.cells import cell_len, chop_cells

from ..reporter import Surface

INDENT = 2
_GAP = 2
_NARROW = 8
_NARROWEST = 3
_COLORS = ("red", "yellow", "cyan", "green")


@frozen
class Cell:
    """A text that is safe for a terminal, and how it looks."""

    text: str
    style: str = ""
    """Words: a colour, ``bold``."""
    whole: bool = False
    """Folded only where nothing else helps."""
    right: bool = False
    """At the right end of its column."""


def paragraph(text: str, surface: Surface, style: str = "", indent: int = 0) -> Iterator[str]:
    """Yield the lines of a text."""
    for line in _fold(text, surface.width - indent) if surface.terminal else [text]:
        yield " " * indent + paint(line.rstrip(" "), style, surface)


def columns(rows: Iterable[Sequence[Cell] | Cell], surface: Surface, indent: int = INDENT) -> Iterator[str]:
    """Yield the lines of rows in columns; all rows have as many cells. A cell alone is a heading between rows."""
    rows = list(rows)
    widths = _widths([row for row in rows if not isinstance(row, Cell)], surface, indent)
    for row in rows:
        if isinstance(row, Cell):
            yield from paragraph(row.text, surface, row.style, indent)
        else:
            yield from _row(row, widths, surface, indent)


def _widths(rows: Sequence[Sequence[Cell]], surface: Surface, indent: int) -> list[int]:
    widths = [max(cell_len(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    if not surface.terminal:
        return widths
    whole = [any(cell.whole for cell in column) for column in zip(*rows, strict=True)]
    return _fit(widths, whole, surface.width - indent - _GAP * (len(widths) - 1))


def _row(row: Sequence[Cell], widths: Sequence[int], surface: Surface, indent: int) -> Iterator[str]:
    folded = [_fold_cell(cell, width) for cell, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=""):
        cells = (_pad(*one, surface) for one in zip(parts, row, widths, strict=True))
        yield (" " * indent + (" " * _GAP).join(cells)).rstrip(" ")


def paint(text: str, style: str, surface: Surface) -> str:
    """Return the text in its style, where there is colour."""
    if not (style and text and surface.color):
        return text
    words = style.split()
    color = next((word for word in words if word in _COLORS), None)
    return click.style(text, fg=color, bold=True if "bold" in words else None)


def _fit(widths: Sequence[int], whole: Sequence[bool], room: int) -> list[int]:
    """Make the widest columns narrower until all fit: first those that may be folded, then all."""
    fitted = list(widths)
    for least, may_fold in ((_NARROW, [not one for one in whole]), (_NARROWEST, [True] * len(whole))):
        while sum(fitted) > room:
            width, index = max((width, index) for index, width in enumerate(fitted) if may_fold[index])
            if width <= least:
                break
            fitted[index] -= 1
    return fitted


def _fold_cell(cell: Cell, width: int) -> list[str]:
    return [cell.text] if cell_len(cell.text) <= width else _fold(cell.text, width)


def _fold(text: str, width: int) -> list[str]:
    """Break a text at blanks, or anywhere where there are none."""
    if not text.isascii():
        return chop_cells(text, width)
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _pad(part: str, cell: Cell, width: int, surface: Surface) -> str:
    blanks = " " * (width - cell_len(part))
    painted = paint(part, cell.style, surface)
    return f"{blanks}{painted}" if cell.right else f"{painted}{blanks}"
