"""The time of day."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time (UTC), in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
