"""What formats say of the program that made them."""

from __future__ import annotations

from functools import cache

PROGRAM = "portus-scan"
VENDOR = "portus-scanners"


@cache
def program_version() -> str:
    """Return the installed version of the command."""
    from importlib.metadata import version

    return version(PROGRAM)
