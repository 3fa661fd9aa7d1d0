"""Backoff that spares a server: how many requests of all callers it is given at once, fewer when it is in trouble.

Additive increase, multiplicative decrease, as TCP does it: what shares a server without speaking to each other comes to
fair shares, and need not be told how much the server can bear. `Limit` and `Usual` decide, and are pure; `Pacer` lets
requests wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

from attrs import define, field
from yarl import URL

LONGEST_PAUSE = 30.0
"""Seconds of a ``Retry-After`` that are observed."""
FIRST_PAUSE = 2.0
"""Seconds after a 429 without ``Retry-After``; each further one without a good answer between them doubles it.

Source: containers/image, ``docker/docker_client.go``, ``backoffInitialDelay``.
"""
MOST_REFUSALS = 5
"""As many in a row are a limit that does not pass while anybody waits: ``backoffNumIterations``."""
HIGHEST = 100.0
"""As many connections as a session has: a limit this high limits nothing."""
LOWEST = 1.0
SLOW_FACTOR = 4.0
SLOW_SECONDS = 1.0
SLOW_IN_A_ROW = 8
"""An answer is slow when it took more than *SLOW_FACTOR* times as long as usual, and *SLOW_SECONDS* more than that; a
server is slow after so many slow answers, with no other between them."""
_CREEP = 0.02
_LONGEST_NUMBER = 10
_TOO_MANY = 429
_OVERLOADED = {_TOO_MANY, 503}
_TIMED = {"GET", "HEAD"}
"""Methods whose answers a server only looks up. The time of a POST depends on the work that it asks for."""


class Pacers:
    """The pacers of all servers, each made when it is first needed. They belong to one event loop."""

    def __init__(self) -> None:
        self._pacers: dict[tuple[str, str | None, int | None], Pacer] = {}

    def request(self, method: str, url: URL) -> PacedRequest:
        """Return a request to be made, as an async context manager: entering waits for its turn."""
        key = url.scheme, url.raw_host, url.port
        if key not in self._pacers:
            self._pacers[key] = Pacer()
        return PacedRequest(self._pacers[key], method)


class Pacer:
    """The requests of one server.

    Attributes:
        limit: How many may be in flight.
        in_flight: How many are.
        refusals: How often the server has said 429 without saying for how long, with no good answer between them;
            requests that it refused together count once.
    """

    def __init__(self) -> None:
        self.limit = Limit()
        self.in_flight = 0
        self.refusals = 0
        self._usual: dict[str, Usual] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed_until = 0.0
        self._opening: asyncio.TimerHandle | None = None

    async def enter(self) -> None:
        """Wait for a turn: first come, first served. A caller that is cancelled takes none."""
        if self._opening is None and not self._waiting and self._has_room():
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had come just then
                self.leave()
            raise

    def leave(self) -> None:
        """Give a turn back."""
        self.in_flight -= 1
        self._let_in()

    def refused(self, period: int, pause: float | None) -> None:
        """Note that the server has too much to do, and wants no request for *pause* seconds."""
        self.limit.shrink(self.in_flight, period)
        if pause:
            self._close(min(pause, LONGEST_PAUSE))

    def limited(self, period: int) -> None:
        """Note a 429 that does not say for how long: the whole server is given time, more each time."""
        if period == self.limit.period:
            self._close(min(FIRST_PAUSE * 2**self.refusals, LONGEST_PAUSE))
            self.refusals += 1
        self.limit.shrink(self.in_flight, period)

    def answered(self, method: str, period: int, seconds: float) -> None:
        """Note an answer that came after *seconds*."""
        self.refusals = 0
        usual = self._usual.setdefault(method, Usual()) if method in _TIMED else None
        if usual is None or not usual.is_slow(seconds):
            self.limit.grow()
        elif usual.is_trouble():
            self.limit.shrink(self.in_flight, period)

    def _has_room(self) -> bool:
        return self.in_flight + 1 <= self.limit.value

    def _close(self, seconds: float) -> None:
        """Let no request in for so long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until <= self._closed_until:
            return
        if self._opening is not None:
            self._opening.cancel()
        self._closed_until, self._opening = until, loop.call_at(until, self._open)

    def _open(self) -> None:
        self._opening = None
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._opening is None and self._has_room():
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)


class PacedRequest:
    """One request, from its turn to its end. One without an answer says nothing of the server."""

    __slots__ = ("_begun", "_method", "_pacer", "_period")

    def __init__(self, pacer: Pacer, method: str) -> None:
        self._pacer = pacer
        self._method = method

    async def __aenter__(self) -> PacedRequest:
        await self._pacer.enter()
        self._period = self._pacer.limit.period
        self._begun = asyncio.get_running_loop().time()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._pacer.leave()

    @property
    def limit_may_pass(self) -> bool:
        """Whether a 429 is worth another try: the server lets others through, or has not said it often in a row."""
        return self._pacer.refusals <= MOST_REFUSALS

    def answered(self, status: int, retry_after: float | None) -> None:
        """Note what the server answered, as soon as that is known. Faults other than 429 and 503 say nothing.

        Args:
            status: HTTP status.
            retry_after: The seconds that it asked to wait, if it did.
        """
        if status == _TOO_MANY and retry_after is None:
            self._pacer.limited(self._period)
        elif status in _OVERLOADED:
            self._pacer.refused(self._period, retry_after)
        elif status < 500:  # noqa: PLR2004 (the server's own faults)
            self._pacer.answered(self._method, self._period, asyncio.get_running_loop().time() - self._begun)


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
