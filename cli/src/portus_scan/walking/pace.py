"""How fast images end, and how long the rest will take. Pure."""

from __future__ import annotations

from collections import deque

from attrs import define, field

REMEMBERED = 200
"""Ends from which the rate is taken: the present one, not that of an hour ago."""


@define
class Pace:
    """The ends of the last images.

    Args:
        begun: When the first image was begun, in seconds of a monotonic clock.
    """

    begun: float
    _ends: deque[float] = field(factory=lambda: deque(maxlen=REMEMBERED), init=False)

    def note(self, now: float) -> None:
        """Count one image that has ended."""
        if len(self._ends) == REMEMBERED:
            self.begun = self._ends[0]
        self._ends.append(now)

    def rate(self, now: float) -> float:
        """Return images a second; 0.0 while none has ended."""
        elapsed = now - self.begun
        return len(self._ends) / elapsed if self._ends and elapsed > 0 else 0.0

    def left(self, remaining: int, now: float) -> float | None:
        """Return the seconds that so many images will take; None while nobody can say."""
        rate = self.rate(now)
        return remaining / rate if rate else None


def describe_seconds(seconds: float) -> str:
    """Return a time as people say it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 100:  # noqa: PLR2004
        return f"{whole} s"
    minutes = round(whole / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def describe_rate(rate: float) -> str:
    """Return a rate with its unit: ``3.2 images/s``, ``12 images/min``."""
    return f"{rate:.1f} images/s" if rate >= 1 else f"{rate * 60:.1f} images/min"
