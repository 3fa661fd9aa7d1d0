"""How many examples of a property are tried where each is costly; elsewhere the profile says it (`conftest.py`)."""

from __future__ import annotations

from hypothesis import settings


def at_most(number: int) -> int:
    """Return so many examples, or the profile's number where that is smaller."""
    return min(number, settings().max_examples)
