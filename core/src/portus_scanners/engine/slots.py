"""How many images at once a backend is given: counted over all instances of one plugin with one server.

`Slots` is what a run needs; `LocalSlots` counts in this process; `Unfinished` keeps the slot of a run that has ended as
long as its last requests go on.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from attrs import define, field, frozen

from .isolation import Watchdog


@frozen(kw_only=True)
class BackendLimit:
    """How many images at once one backend is given: which one is said by *plugin* and *server* together.

    Attributes:
        plugin: Name of the entry point.
        server: Where the backend is; empty where it is not a server.
        concurrency: The setting of this name; where instances disagree, the smallest of an engine.
    """

    plugin: str
    server: str
    concurrency: int


class Slots(ABC):
    """Where an engine takes its slots from. Derive from this class for limits that several processes share.

    In short:

        async with Engine(settings, slots=SlotsInRedis(...)) as engine:
            ...

    A run takes a slot before it calls its scanner, keeps it for all attempts, and gives it back once. It has no task of
    its own, so nothing here is awaited: every method is called in the engine's event loop and must return at once,
    without an error. Whoever makes the object closes it, after the engine.
    """

    @abstractmethod
    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        """Take a slot for a run; where none is free, call *on_slot* as soon as one has been taken for it.

        Args:
            limit: Which backend, and how many slots it has.
            run: Whose slot; a key for the other methods.
            on_slot: To be called once, in the event loop, after this method has returned False.

        Returns:
            Whether a slot was taken at once; *on_slot* is not called then.
        """

    @abstractmethod
    def give_up(self, limit: BackendLimit, run: object) -> None:
        """Let a run wait no longer. Where its slot was taken already, *on_slot* is still called, `release` follows."""

    @abstractmethod
    def release(self, limit: BackendLimit, run: object) -> None:
        """Give the slot of a run back."""

    def heard(self, limit: BackendLimit, run: object, error: str | None) -> bool:
        """Note what a run with a slot has heard of its backend: why it is unavailable, or, with None, a report.

        Returns:
            Whether an unavailable one is waited for: the run releases its slot, acquires another, and begins anew.
        """
        return False

    def refuse(self, limit: BackendLimit) -> str:
        """Return why a run whose slot has come is to fail, and its backend not to be asked; empty where it is."""
        return ""


class LocalSlots(Slots):
    """Slots of one process: first come, first served."""

    def __init__(self) -> None:
        self._counts: defaultdict[tuple[str, str], _Count] = defaultdict(_Count)

    def acquire(self, limit: BackendLimit, run: object, on_slot: Callable[[], None]) -> bool:
        """See `Slots.acquire`."""
        count = self._counts[limit.plugin, limit.server]
        if count.taken < limit.concurrency:
            count.taken += 1
            return True
        count.waiting[run] = on_slot
        return False

    def give_up(self, limit: BackendLimit, run: object) -> None:
        """See `Slots.give_up`."""
        self._counts[limit.plugin, limit.server].waiting.pop(run, None)

    def release(self, limit: BackendLimit, run: object) -> None:
        """Hand the slot over to the run that has waited longest."""
        count = self._counts[limit.plugin, limit.server]
        if not count.waiting:
            count.taken -= 1
            return
        # soon, and not from here: by then the run that ends has told everybody
        asyncio.get_running_loop().call_soon(count.waiting.pop(next(iter(count.waiting))))


@define(eq=False)
class _Count:
    """The slots of one backend that are taken, and the runs that wait for one, the oldest first."""

    taken: int = 0
    waiting: dict[object, Callable[[], None]] = field(factory=dict)


@frozen
class Unfinished:
    """Requests that go on when their run has ended, each with the slot that it still takes.

    Args:
        watchdog: Says how long a cancelled request may take to end, and where one that does not is named.
    """

    _watchdog: Watchdog
    _requests: set[asyncio.Future[Any]] = field(factory=set, init=False)
    _waiting: set[asyncio.Task[None]] = field(factory=set, init=False)

    def hold(self, requests: Collection[asyncio.Future[Any]], seconds: float, give_back: Callable[[], None]) -> None:
        """Call *give_back* when the requests have ended; after *seconds* at most, and then they are cancelled."""
        for request in requests:
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)
        waiting = asyncio.create_task(_wait(set(requests), seconds, give_back))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    async def aclose(self) -> None:
        """Cancel what is still unfinished, and wait for it to end: no longer than the watchdog's grace."""
        waiting, requests = set(self._waiting), set(self._requests)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        if requests:
            _, stubborn = await asyncio.wait(requests, timeout=self._watchdog.grace)
            self._watchdog.abandoned.extend("a request to finish" for _ in stubborn)


async def _wait(requests: set[asyncio.Future[Any]], seconds: float, give_back: Callable[[], None]) -> None:
    try:
        await asyncio.wait(requests, timeout=seconds)
    finally:
        for request in requests:
            request.cancel()
        give_back()
