"""Where text will be read. A module of its own: what prints a short list needs no reports."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Surface"]


@frozen(kw_only=True)
class Surface:
    """What is known of the place where text will be read."""

    width: int = 160
    """Columns."""
    terminal: bool = False
    """False for a pipe or a file: no boxes."""
    color: bool = False
