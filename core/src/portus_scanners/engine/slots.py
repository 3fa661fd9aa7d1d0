"""How many images at once a backend is given: counted over all instances of one plugin with one server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from attrs import define, field

from .isolation import Watchdog


@define(eq=False)
class Slot:
    """The places of one backend server. A place is given back when everything that was done in it has ended."""

    size: int
    _taken: int = field(default=0, init=False)
    _waiting: dict[object, Callable[[], None]] = field(factory=dict, init=False)
    _late: set[asyncio.Task[None]] = field(factory=set, init=False)
    _unfinished: set[asyncio.Future[Any]] = field(factory=set, init=False)

    def acquire(self, who: object, on_place: Callable[[], None]) -> bool:
        """Take a place for *who*; where there is none, call *on_place* when there is one: first come, first served.

        Returns:
            Whether there was a place.
        """
        if self._taken < self.size:
            self._taken += 1
            return True
        self._waiting[who] = on_place
        return False

    def give_up(self, who: object) -> None:
        """Wait for a place no more."""
        self._waiting.pop(who, None)

    def release(self, unfinished: Collection[asyncio.Future[Any]], limit: float) -> None:
        """Give the place back: at once, or when the unfinished requests have ended, *limit* seconds later at most."""
        if not unfinished:
            self._hand_over()
            return
        for request in unfinished:
            self._unfinished.add(request)
            request.add_done_callback(self._unfinished.discard)
        late = asyncio.create_task(self._release_later(set(unfinished), limit))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    def _hand_over(self) -> None:
        """Give the place to who has waited longest."""
        if not self._waiting:
            self._taken -= 1
            return
        who = next(iter(self._waiting))
        # soon: a run that ends has told everybody by then
        asyncio.get_running_loop().call_soon(self._waiting.pop(who))

    async def _release_later(self, unfinished: set[asyncio.Future[Any]], limit: float) -> None:
        try:
            await asyncio.wait(unfinished, timeout=limit)
        finally:
            for request in unfinished:
                request.cancel()
            self._hand_over()

    async def aclose(self, watchdog: Watchdog) -> None:
        """Cancel what is still unfinished, and wait for it to end: no longer than the watchdog's grace."""
        late, unfinished = set(self._late), set(self._unfinished)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if unfinished:
            _, stubborn = await asyncio.wait(unfinished, timeout=watchdog.grace)
            watchdog.abandoned.extend("a request to finish" for _ in stubborn)
