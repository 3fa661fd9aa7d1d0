"""How many requests a server may be given at once: fewer when it is in trouble, more again when it is well. Pure.

Additive increase, multiplicative decrease, as TCP does it: what shares a server without speaking to each other comes to
fair shares, and need not be told how much the server can bear.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import define, field

HIGHEST = 100.0
"""As many connections as a session has: a limit this high limits nothing."""
LOWEST = 1.0
SLOW_FACTOR = 4.0
SLOW_SECONDS = 1.0
SLOW_IN_A_ROW = 8
"""An answer is slow when it took more than *SLOW_FACTOR* times as long as usual, and *SLOW_SECONDS* more than that; a
server is slow after so many slow answers, with no other between them."""
_CREEP = 0.02


@define
class Limit:
    """The limit of one server. A request says at its end in which period it was begun.

    A decrease begins a new period, and what was begun before it says nothing more of trouble: eight requests that are
    refused together are one refusal, and halve the limit once.
    """

    value: float = HIGHEST
    period: int = field(default=0, init=False)

    def shrink(self, in_flight: int, period: int) -> None:
        """Halve, after a request of that period met with trouble; *in_flight* counts that request."""
        if period == self.period:
            self.value = max(LOWEST, min(self.value, in_flight) / 2)
            self.period += 1

    def grow(self) -> None:
        """Become one more after as many good answers as the limit is."""
        self.value = min(HIGHEST, self.value + 1 / self.value)


@define
class Usual:
    """How long one kind of request usually takes: a minimum that creeps up to what is measured."""

    seconds: float | None = field(default=None, init=False)
    _slow: int = field(default=0, init=False)

    def is_slow(self, seconds: float) -> bool:
        """Take one more measurement; return whether it is a slow one."""
        if self.seconds is None or seconds <= self.seconds:
            self.seconds, self._slow = seconds, 0
            return False
        slow = seconds > self.seconds * SLOW_FACTOR and seconds > self.seconds + SLOW_SECONDS
        self.seconds += (seconds - self.seconds) * _CREEP
        self._slow = self._slow + 1 if slow else 0
        return slow

    def is_trouble(self) -> bool:
        """Return whether enough slow answers came in a row, and begin to count anew if so."""
        if self._slow < SLOW_IN_A_ROW:
            return False
        self._slow = 0
        return True


_LONGEST_NUMBER = 10


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds from now that a server asks to wait; None where it asks for none.

    Source: RFC 9110, 10.2.3.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER:
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)
