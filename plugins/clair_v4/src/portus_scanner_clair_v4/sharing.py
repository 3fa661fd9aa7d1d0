"""What the scans of one scanner object share, so that Clair gets few requests, and no more at once than it takes."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from portus_scanners.backends import SingleFlight

from .api import ClairBusyError

MOST_IMAGES = 8192
"""Images that are remembered, in about 1 MB."""
ANSWER_LASTS = 60.0
"""Seconds for which the answer to a question about Clair itself is believed."""

AnswerT = TypeVar("AnswerT")


class SharedAnswer(Generic[AnswerT]):
    """The answer to one question, asked once a minute for all who want it.

    Args:
        ask: Asks.
    """

    def __init__(self, ask: Callable[[], Awaitable[AnswerT]]) -> None:
        self._ask = ask
        self._flight = SingleFlight(share_errors=False)
        self._answer: tuple[float, AnswerT] | None = None

    async def get(self) -> AnswerT:
        """Return an answer that is a minute old at most; raises what asking raises."""
        if self._answer is not None and time.monotonic() - self._answer[0] < ANSWER_LASTS:
            return self._answer[1]
        return await self._flight.run("", self._renew)

    def forget(self) -> None:
        """Have the next caller ask."""
        self._answer = None

    async def _renew(self) -> AnswerT:
        begun = time.monotonic()
        answer = await self._ask()
        self._answer = begun, answer
        return answer


class IndexedImages:
    """Which images Clair has indexed, by digest, and in which state its indexer was then."""

    def __init__(self) -> None:
        self._states: OrderedDict[str, str] = OrderedDict()

    def get(self, digest: str) -> str:
        """Return the state; empty for an image that is not known to be indexed."""
        if digest in self._states:
            self._states.move_to_end(digest)
        return self._states.get(digest, "")

    def set(self, digest: str, state: str) -> None:
        """Remember an image, and forget the one that was not asked for longest if there are too many."""
        self._states[digest] = state
        self._states.move_to_end(digest)
        if len(self._states) > MOST_IMAGES:
            self._states.popitem(last=False)

    def discard(self, digest: str) -> None:
        """Forget an image, if it is there."""
        self._states.pop(digest, None)


class IndexTurns:
    """Lets what Clair has refused with 429 wait until Clair is done with another image of this scanner."""

    def __init__(self) -> None:
        self._running = 0
        self._changed = asyncio.Event()

    async def run(self, index: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """Return what *index* returns; call it again after each 429, as soon as another call has ended.

        Raises:
            ClairBusyError: Clair is busy, and not with images of this scanner.
        """
        while True:
            try:
                async with self._one():
                    return await index()
            except ClairBusyError:
                if not self._running:
                    raise
            await self._changed.wait()

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[None]:
        self._running += 1
        is_busy = False
        try:
            yield
        except ClairBusyError:
            is_busy = True
            raise
        finally:
            self._running -= 1
            if not is_busy or not self._running:  # else the others would try again for nothing
                self._changed.set()
                self._changed = asyncio.Event()
