"""Lines for people: paragraphs that are folded, and grids of aligned columns. No boxes; colour only where wanted.

On a terminal everything fits its width. In a pipe or a file a row is one line, however long.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

import click
from attrs import frozen

if TYPE_CHECKING:
    from .reporter import Surface

INDENT = 2
_GAP = 2
_NARROW = 8
"""Columns that a cell which may be folded has at least."""
_COLORS = ("red", "yellow", "cyan", "green")
_WITHOUT_WIDTH = {"Mn", "Me", "Cf"}
"""Marks that stand on the character before them, and formatting."""


@frozen
class Paragraph:
    """A string that is safe for a terminal, and its style: words such as a colour or ``bold``."""

    text: str
    style: str = ""
    indent: int = 0


@frozen
class Cell:
    """A string that is safe for a terminal, and how it looks in its column."""

    text: str
    style: str = ""
    """As that of a paragraph."""
    whole: bool = False
    """Not folded, as long as a line has room for it alone."""
    right: bool = False
    """At the right end of its column."""


@frozen
class Grid:
    """Rows in columns, all of as many cells. A cell alone is a heading between rows."""

    rows: Sequence[Sequence[Cell] | Cell]
    indent: int = INDENT


def lay_out(blocks: Iterable[Paragraph | Grid], surface: Surface) -> list[str]:
    """Return the lines of paragraphs and grids, one below the other."""
    lines: list[str] = []
    for block in blocks:
        lines += _paragraph(block, surface) if isinstance(block, Paragraph) else _grid(block, surface)
    return lines


def _paragraph(block: Paragraph, surface: Surface) -> list[str]:
    lines = _fold(block.text, surface.width - block.indent) if surface.terminal else [block.text]
    return [" " * block.indent + _paint(line.rstrip(" "), block.style, surface) for line in lines]


def _grid(grid: Grid, surface: Surface) -> list[str]:
    widths = _widths([row for row in grid.rows if not isinstance(row, Cell)], grid.indent, surface)
    lines: list[str] = []
    for row in grid.rows:
        if isinstance(row, Cell):
            lines += _paragraph(Paragraph(row.text, row.style, grid.indent), surface)
        elif widths is None:
            lines += _below(row, grid.indent, surface)
        else:
            lines += _row(row, widths, grid.indent, surface)
    return lines


def _below(row: Sequence[Cell], indent: int, surface: Surface) -> list[str]:
    """Return the first cell on a line of its own, and the others below it: the columns do not fit."""
    first, *rest = row
    words = (" " * _GAP).join(cell.text for cell in rest if cell.text)
    blocks = (Paragraph(first.text, first.style, indent), Paragraph(words, indent=indent + INDENT))
    return [line for block in blocks if block.text for line in _paragraph(block, surface)]


def _widths(rows: Sequence[Sequence[Cell]], indent: int, surface: Surface) -> list[int] | None:
    """Return the widths of the columns; None where they do not fit."""
    widths = [max(columns_of(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    if not surface.terminal:
        return widths
    whole = [any(cell.whole for cell in column) for column in zip(*rows, strict=True)]
    return _fit(widths, whole, surface.width - indent - _GAP * (len(widths) - 1))


def _row(row: Sequence[Cell], widths: Sequence[int], indent: int, surface: Surface) -> list[str]:
    folded = [_fold_cell(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for parts in zip_longest(*folded, fillvalue=""):
        cells = (_pad(*one, surface) for one in zip(parts, row, widths, strict=True))
        lines.append((" " * indent + (" " * _GAP).join(cells)).rstrip(" "))
    return lines


def _paint(text: str, style: str, surface: Surface) -> str:
    """Return a string in its style, where there is colour."""
    if not (style and text and surface.color):
        return text
    words = style.split()
    color = next((word for word in words if word in _COLORS), None)
    return click.style(text, fg=color, bold=True if "bold" in words else None, dim=True if "dim" in words else None)


def _fit(widths: Sequence[int], whole: Sequence[bool], room: int) -> list[int] | None:
    """Return widths that fit, the widest columns that may be folded made narrower; None where that is not enough."""
    fitted = list(widths)
    while sum(fitted) > room:
        foldable = [(width, index) for index, width in enumerate(fitted) if not whole[index]]
        width, index = max(foldable, default=(0, 0))
        if width <= _NARROW:
            return None
        fitted[index] -= 1
    return fitted


def _fold_cell(cell: Cell, width: int) -> list[str]:
    return [cell.text] if columns_of(cell.text) <= width else _fold(cell.text, width)


def _fold(text: str, width: int) -> list[str]:
    """Return the lines of a string, broken at blanks, or anywhere where there are none."""
    if not text.isascii():
        return _chop(text, width)
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _chop(text: str, width: int) -> list[str]:
    """Return the pieces of a string that are at most *width* columns wide."""
    lines, line, taken = [], "", 0
    for character in text:
        columns = _columns_of_character(character)
        if line and taken + columns > width:
            lines.append(line)
            line, taken = "", 0
        line += character
        taken += columns
    return [*lines, line]


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a string takes."""
    return len(text) if text.isascii() else sum(map(_columns_of_character, text))


@lru_cache(maxsize=4096)
def _columns_of_character(character: str) -> int:
    if category(character) in _WITHOUT_WIDTH:
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _pad(part: str, cell: Cell, width: int, surface: Surface) -> str:
    blanks = " " * (width - columns_of(part))
    painted = _paint(part, cell.style, surface)
    return f"{blanks}{painted}" if cell.right else f"{painted}{blanks}"
