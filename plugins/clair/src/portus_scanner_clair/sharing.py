"""What the scans of one scanner object share, so that Clair is asked and told as little as possible.

All of it is used in one event loop, and changed only between two `await`s: no locks are needed.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from math import inf
from typing import Generic, TypeVar

from attrs import define, field, frozen

MOST_LAYERS = 8192
"""Names of layers that are remembered: about 2 MB."""
MOST_BLOBS = 4096
"""Blobs whose size was found right that are remembered."""
BLOB_CHECK_LASTS = 600.0
"""Seconds: what the registry said of a blob's size is not trusted for ever."""

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Recent(Generic[KeyT]):
    """A set that forgets: what was not used for longest when it is full, and what was added too long ago.

    Args:
        size: How many keys it has at most.
        lasts: Seconds from the addition of a key until it is forgotten.
    """

    def __init__(self, size: int, lasts: float = inf) -> None:
        self._size = size
        self._lasts = lasts
        self._added: OrderedDict[KeyT, float] = OrderedDict()

    def __contains__(self, key: KeyT) -> bool:
        added = self._added.get(key)
        if added is None:
            return False
        if time.monotonic() - added > self._lasts:
            del self._added[key]
            return False
        self._added.move_to_end(key)
        return True

    def __len__(self) -> int:
        return len(self._added)

    def add(self, keys: Iterable[KeyT]) -> None:
        """Add keys, or use them again."""
        now = time.monotonic()
        for key in keys:
            self._added[key] = now
            self._added.move_to_end(key)
        while len(self._added) > self._size:
            self._added.popitem(last=False)

    def discard(self, keys: Iterable[KeyT]) -> None:
        """Forget keys, those that are there."""
        for key in keys:
            self._added.pop(key, None)


@frozen
class _Landed(Generic[ValueT]):
    value: ValueT


class SingleFlight(Generic[ValueT]):
    """Does one thing once for all who want it at the same time.

    Whoever comes first does it himself, in his own task; the others wait. When it worked, all have its value. When it
    failed, each of those who waited does it himself, all at once: the fault may be his alone who was first (his
    credentials, his registry), and one after another they would wait for the sum of their failures. When the first
    one was cancelled, one of them takes over. Nobody waits for two things at once, so none waits for another for ever,
    and cancelling one who waits ends nothing but his waiting.
    """

    def __init__(self) -> None:
        self._flights: dict[str, asyncio.Future[_Landed[ValueT] | None]] = {}

    def __contains__(self, key: str) -> bool:
        """Whether somebody is at it now."""
        return key in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: str, work: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Return the value of the work that is done for *key* now, or else of *work*.

        Args:
            key: What is done.
            work: Does it. What it raises is raised here, and nowhere else.
        """
        while (flight := self._flights.get(key)) is not None:
            await asyncio.wait((flight,))  # not awaited itself: our cancellation would become its own
            if not flight.cancelled():
                landed = flight.result()
                if landed is not None:
                    return landed.value
                break
        return await self._fly(key, work)

    async def _fly(self, key: str, work: Callable[[], Awaitable[ValueT]]) -> ValueT:
        flight: asyncio.Future[_Landed[ValueT] | None] = asyncio.get_running_loop().create_future()
        self._flights.setdefault(key, flight)  # of several who go at once after a failure, one is waited for
        landed: _Landed[ValueT] | None = None
        try:
            landed = _Landed(await work())
        except asyncio.CancelledError:
            flight.cancel()
            raise
        else:
            return landed.value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not flight.done():
                flight.set_result(landed)


@define
class Shared:
    """The memory of one scanner object; layers go by their names in Clair."""

    known: Recent[str] = field(factory=lambda: Recent(MOST_LAYERS))
    """Layers that Clair knew when it was last heard of them. It may have forgotten them since."""
    checked: Recent[tuple[str, str, str]] = field(factory=lambda: Recent(MOST_BLOBS, BLOB_CHECK_LASTS))
    """Registry, repository and digest of the blobs whose size was right."""
    posts: SingleFlight[None] = field(factory=SingleFlight)
    probes: SingleFlight[bool] = field(factory=SingleFlight)
