"""The kinds of backend."""

from __future__ import annotations

from enum import Enum

__all__ = ["Kind"]


class Kind(Enum):
    """What a scanner's backend is; the value is its folder of templates and what ``--kind`` takes."""

    HTTP = "http"
    """A server that answers at once."""
    POLLING = "polling"
    """A server that works for a while and is asked again and again."""
    PROGRAM = "program"
    """A program that runs on the same machine."""
