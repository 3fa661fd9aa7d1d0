"""What many images are scanned from: taken from the caller's iterable one by one, and only when there is room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable

from attrs import frozen
from portus_images import Image, ImageReference

from .ends import ScanTarget
from .threaded import iterate_in_thread

Source = Iterable[ScanTarget] | AsyncIterable[ScanTarget]


@frozen
class Job:
    """One image to scan, or a reference whose images are to be found out."""

    position: int
    given: ScanTarget
    """What the caller gave."""
    target: ImageReference | Image | None = None
    """One image of an index; None where what was given is not looked at yet."""
    part: int = 0
    parts: int = 1
    several: bool = False
    """The images of its index are to be scanned, each of them: `Feed.expand` follows."""


class Feed:
    """Jobs, handed to whoever asks for one.

    A list or a tuple is read at once; anything else is read by a task of this object, one reference whenever somebody
    waits for a job. The images of an index go before further references.

    Args:
        source: The caller's references.
        several: Whether a reference stands for all images of its index.
    """

    def __init__(self, source: Source, *, several: bool = False) -> None:
        self._several = several
        self.taken = 0
        """How many references were taken from the source."""
        self.error: BaseException | None = None
        """What the source raised."""
        self._parts: deque[Job] = deque()
        self._takers: deque[asyncio.Future[Job | None]] = deque()
        self._hungry = asyncio.Event()
        self._expected = 0  # references that may still become the images of an index
        self._dry = False
        self._at_hand = iter(source) if isinstance(source, list | tuple) else None
        self._pump = None if self._at_hand is not None else asyncio.create_task(self._read(_iterate(source)))
        if self._pump is not None:
            self._pump.add_done_callback(self._pumped)

    async def take(self) -> Job | None:
        """Return a job; None when there is none any more, and none can come."""
        if self._parts:
            part = self._parts.popleft()
            self._settle()
            return part
        if self._at_hand is not None and not self._dry:
            for target in self._at_hand:
                return self._make_job(target)
            self._dry = True
        if self._dry and not self._expected:
            return None
        taker: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        self._hungry.set()
        return await taker

    def expand(self, job: Job, images: tuple[Image, ...]) -> None:
        """Put the images of an index, or none, in the place of the reference of a job of `Job.several`.

        Who calls this takes the first of them next; those who wait get the others.
        """
        self._expected -= 1
        for part, image in enumerate(images):
            self._parts.append(Job(job.position, job.given, image, part, len(images)))
        while len(self._parts) > 1 and self._takers:
            second = self._parts[1]
            del self._parts[1]
            self._hand_over(second)
        self._settle()

    def close(self) -> None:
        """Take no more from the source. The images of an index that was taken are still handed out."""
        self._dry = True
        if self._pump is not None:
            self._pump.cancel()
        self._settle()

    async def aclose(self) -> None:
        """Close, and wait until nothing is read from the source any more."""
        self.close()
        if self._pump is not None and not self._pump.done():
            await asyncio.wait({self._pump})

    async def _read(self, source: AsyncIterator[ScanTarget]) -> None:
        await self._hungry.wait()
        async for target in source:
            self._hand_over(self._make_job(target))
            await self._hungry.wait()

    def _pumped(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled():
            self.error = pump.exception()
        self._dry = True
        self._settle()

    def _make_job(self, target: ScanTarget) -> Job:
        self.taken += 1
        several = self._several and not isinstance(target, Image)
        self._expected += several
        return Job(self.taken - 1, target, several=several)

    def _hand_over(self, job: Job) -> None:
        """Give a job to who has waited longest; where nobody waits any more, the next one who asks gets it.

        The images of an index may have gone to all who waited while the source was still making this job.
        """
        taker = self._next_taker()
        if taker is None:
            self._parts.append(job)
        else:
            taker.set_result(job)
        if not self._takers:
            self._hungry.clear()

    def _next_taker(self) -> asyncio.Future[Job | None] | None:
        while self._takers:
            if not (taker := self._takers.popleft()).done():
                return taker
        return None

    def _settle(self) -> None:
        """Send everybody home when nothing can come any more."""
        if self._dry and not self._expected and not self._parts:
            while (taker := self._next_taker()) is not None:
                taker.set_result(None)


def _iterate(source: Source) -> AsyncIterator[ScanTarget]:
    return aiter(source) if isinstance(source, AsyncIterable) else iterate_in_thread(source)
