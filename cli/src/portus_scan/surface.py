"""Where text goes: how wide it may be, and whether it may have colour; how it is drawn there."""

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
"""Columns where there is no terminal."""

_LONGEST_NUMBER = 4


@frozen(kw_only=True)
class Surface:
    """What is known of the place where text will be read.

    Attributes:
        width: Columns.
        terminal: False for a pipe or a file: no boxes.
    """

    width: int = 160
    terminal: bool = False
    color: bool = False


def surface_of(stream: IO[str] | None) -> Surface:
    """Return what is known of a stream; ``COLUMNS`` in the environment goes before its own width."""
    terminal = stream is not None and stream.isatty()
    wanted = os.environ.get("COLUMNS", "")[:_LONGEST_NUMBER]
    width = int(wanted) if wanted.isdecimal() and int(wanted) else _width_of(stream) if terminal else PIPE_WIDTH
    return Surface(width=max(width, NARROWEST), terminal=terminal, color=_has_color(terminal=terminal))


def surface_of_file() -> Surface:
    """Return what is known of a file."""
    return Surface(width=PIPE_WIDTH)


def draw(surface: Surface, paint: Callable[[Console], None]) -> str:
    """Return what *paint* prints on a console of this kind, without blanks at the ends of lines."""
    from rich.console import Console

    page = StringIO()
    paint(
        Console(
            file=page,
            width=surface.width,
            force_terminal=surface.terminal or surface.color,
            color_system="standard" if surface.color else None,
            no_color=not surface.color,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )
    )
    return "".join(f"{line.rstrip(' ')}\n" for line in page.getvalue().split("\n")[:-1])


def _has_color(*, terminal: bool) -> bool:
    """``NO_COLOR`` and ``FORCE_COLOR`` count when they are not empty, and the former first; https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and os.environ.get("TERM", "dumb") not in _DUMB)


_DUMB = {"dumb", "unknown"}


def _width_of(stream: IO[str] | None) -> int:
    try:
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or TERMINAL_WIDTH
    except (OSError, ValueError):
        return TERMINAL_WIDTH
