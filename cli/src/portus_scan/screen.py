"""Where text goes: how wide it may be, and whether it may have colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import StringIO
from typing import IO, TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from rich.console import Console

NARROWEST = 40
TERMINAL_WIDTH = 80
"""Columns of a terminal that does not say."""
PIPE_WIDTH = 160
"""Columns where there is no terminal: rows stay on one line, for grep."""

_LONGEST_NUMBER = 4


@frozen
class Screen:
    """What is known of the place where text will be read."""

    width: int = PIPE_WIDTH
    """Columns."""
    terminal: bool = False
    """False: no boxes, no colour."""

    @classmethod
    def of(cls, stream: IO[str] | None) -> Screen:
        """Return what is known of a stream; ``COLUMNS`` in the environment goes before its own width."""
        terminal = stream is not None and stream.isatty()
        wanted = os.environ.get("COLUMNS", "")[:_LONGEST_NUMBER]
        width = int(wanted) if wanted.isdecimal() and int(wanted) else _width_of(stream) if terminal else PIPE_WIDTH
        return cls(max(width, NARROWEST), terminal)

    def draw(self, paint: Callable[[Console], None]) -> str:
        """Return what *paint* prints on a console of this kind, without blanks at the ends of lines."""
        from rich.console import Console

        page = StringIO()
        paint(
            Console(
                file=page,
                width=self.width,
                force_terminal=self.terminal,
                color_system="auto" if self.terminal else None,
                highlight=False,
                markup=False,
                emoji=False,
                legacy_windows=False,
            )
        )
        return "".join(f"{line.rstrip(' ')}\n" for line in page.getvalue().splitlines())


def _width_of(stream: IO[str] | None) -> int:
    try:
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or TERMINAL_WIDTH
    except (OSError, ValueError):
        return TERMINAL_WIDTH
