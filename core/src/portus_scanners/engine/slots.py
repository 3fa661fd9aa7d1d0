"""How many images at once a backend is given: counted over all instances of one plugin with one server."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from attrs import define, field

from .isolation import Watchdog


@define
class Slot:
    """The places of one backend server. A place is given back when everything that was done in it has ended."""

    size: int
    _places: asyncio.Semaphore = field(init=False)
    _late: set[asyncio.Task[None]] = field(factory=set, init=False)
    _unfinished: set[asyncio.Future[Any]] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.size)

    async def acquire(self) -> None:
        """Wait for a place."""
        await self._places.acquire()

    def release(self, unfinished: Collection[asyncio.Future[Any]], limit: float) -> None:
        """Give the place back: at once, or when the unfinished requests have ended, *limit* seconds later at most."""
        if not unfinished:
            self._places.release()
            return
        for request in unfinished:
            self._unfinished.add(request)
            request.add_done_callback(self._unfinished.discard)
        late = asyncio.create_task(self._release_later(set(unfinished), limit))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _release_later(self, unfinished: set[asyncio.Future[Any]], limit: float) -> None:
        try:
            await asyncio.wait(unfinished, timeout=limit)
        finally:
            for request in unfinished:
                request.cancel()
            self._places.release()

    async def aclose(self, watchdog: Watchdog) -> None:
        """Cancel what is still unfinished, and wait for it to end: no longer than the watchdog's grace."""
        late, unfinished = set(self._late), set(self._unfinished)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if unfinished:
            _, stubborn = await asyncio.wait(unfinished, timeout=watchdog.grace)
            watchdog.abandoned.extend("a request to finish" for _ in stubborn)
