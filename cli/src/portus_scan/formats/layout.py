"""Lines for people: paragraphs that are folded, and grids of aligned columns. No boxes; colour only where wanted.

On a terminal everything fits its width. In a pipe or a file a row is one line, however long. (Tables of rich take 2 ms
a row, and fold.)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

import click
from attrs import frozen
from rich.cells import cell_len, chop_cells

from ..reporter import Surface

INDENT = 2
_GAP = 2
_NARROW = 8
"""Columns that a cell which may be folded has at least."""
_COLORS = ("red", "yellow", "cyan", "green")


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
    """Rows in columns, all of as many cells, indented by `INDENT`. A cell alone is a heading between rows."""

    rows: Sequence[Sequence[Cell] | Cell]


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
    widths = _widths([row for row in grid.rows if not isinstance(row, Cell)], surface)
    lines: list[str] = []
    for row in grid.rows:
        if isinstance(row, Cell):
            lines += _paragraph(Paragraph(row.text, row.style, INDENT), surface)
        elif widths is None:
            lines += _below(row, surface)
        else:
            lines += _row(row, widths, surface)
    return lines


def _below(row: Sequence[Cell], surface: Surface) -> list[str]:
    """Return the first cell on a line of its own, and the others below it: the columns do not fit."""
    first, *rest = row
    words = (" " * _GAP).join(cell.text for cell in rest if cell.text)
    blocks = (Paragraph(first.text, first.style, INDENT), Paragraph(words, indent=2 * INDENT))
    return [line for block in blocks if block.text for line in _paragraph(block, surface)]


def _widths(rows: Sequence[Sequence[Cell]], surface: Surface) -> list[int] | None:
    """Return the widths of the columns; None where they do not fit."""
    widths = [max(cell_len(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    if not surface.terminal:
        return widths
    whole = [any(cell.whole for cell in column) for column in zip(*rows, strict=True)]
    return _fit(widths, whole, surface.width - INDENT - _GAP * (len(widths) - 1))


def _row(row: Sequence[Cell], widths: Sequence[int], surface: Surface) -> list[str]:
    folded = [_fold_cell(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for parts in zip_longest(*folded, fillvalue=""):
        cells = (_pad(*one, surface) for one in zip(parts, row, widths, strict=True))
        lines.append((" " * INDENT + (" " * _GAP).join(cells)).rstrip(" "))
    return lines


def _paint(text: str, style: str, surface: Surface) -> str:
    """Return a string in its style, where there is colour."""
    if not (style and text and surface.color):
        return text
    words = style.split()
    color = next((word for word in words if word in _COLORS), None)
    return click.style(text, fg=color, bold=True if "bold" in words else None)


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
    return [cell.text] if cell_len(cell.text) <= width else _fold(cell.text, width)


def _fold(text: str, width: int) -> list[str]:
    """Return the lines of a string, broken at blanks, or anywhere where there are none."""
    if not text.isascii():
        return chop_cells(text, width)
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _pad(part: str, cell: Cell, width: int, surface: Surface) -> str:
    blanks = " " * (width - cell_len(part))
    painted = _paint(part, cell.style, surface)
    return f"{blanks}{painted}" if cell.right else f"{painted}{blanks}"
