"""Short lists for people: aligned columns, the last one free to be long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .columns import line_up
from .surface import draw
from .terminal import safe

if TYPE_CHECKING:
    from rich.console import Console

    from .surface import Surface

_LONGEST_CELL = 1000


def render_list(headings: Sequence[str], rows: Iterable[Sequence[str]], surface: Surface) -> str:
    """Return the rows under their headings; texts are made safe, an empty one is a dash."""
    rows = [tuple(safe(cell, _LONGEST_CELL) or "-" for cell in row) for row in rows]
    plain = not surface.terminal and not surface.color
    if plain and (text := line_up((headings, *rows), surface.width)) is not None:
        return text
    from rich.table import Table
    from rich.text import Text

    def paint(console: Console) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)

    return draw(surface, paint)
