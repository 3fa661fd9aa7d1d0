"""Many images: what is given for each, taken one by one and only when there is room, and how each ended."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from operator import attrgetter
from queue import SimpleQueue
from sys import maxsize
from threading import Thread
from typing import Any

from attrs import field, frozen
from portus_images import (
    Image,
    ImageReference,
    InvalidReferenceError,
    LocalReference,
    PortusError,
    Reference,
    hide_account,
    message_line,
    words_of,
)

from ..models import ImageReport, ReportDocument, UnresolvedImage
from .context import Progress

logger = logging.getLogger("portus_scanners.engine")

ScanTarget = str | ImageReference | Image


@frozen(kw_only=True)
class ScanEnd:
    """How the scan of one of many images ended.

    Attributes:
        position: The place of its reference among those that were given; the first is 0.
        target: What was given there.
        result: The report; or why there is none: the reference is malformed, the image could not be resolved, it was
            stopped or its time was up before that.
        error: What an `UnresolvedImage` stands for; None with a report.
        part: Which of the images of an index this is, the first is 0, where all platforms are scanned.
        parts: How many ends there are for this position.
    """

    position: int
    target: ScanTarget
    result: ImageReport | UnresolvedImage
    error: PortusError | None = field(default=None, eq=False, repr=False)
    part: int = 0
    parts: int = 1


@frozen(kw_only=True)
class ImageProgress:
    """How far one of many images is.

    Attributes:
        position: See `ScanEnd.position`.
        part: See `ScanEnd.part`.
        parts: See `ScanEnd.parts`.
        target: What is scanned: what was given; of an index all of whose platforms are scanned, the `Image`.
        progress: What one scanner is doing; None when the image is begun, and when it waits for the same image's scan.
    """

    position: int
    part: int = 0
    parts: int = 1
    target: ScanTarget
    progress: Progress | None = None


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

    def make_end(self, result: ImageReport | UnresolvedImage, error: PortusError | None = None) -> ScanEnd:
        """Return the end of an image that was scanned, or of one that was not, with the error that is behind that."""
        part, parts = self.part, self.parts
        return ScanEnd(position=self.position, target=self.given, result=result, error=error, part=part, parts=parts)

    def make_failure(self, error: Exception) -> ScanEnd:
        """Return the end of an image that could not be scanned; of one of an index, the platform is named."""
        if not isinstance(error, PortusError):
            logger.error("%s could not be scanned", _text_of(self.given), exc_info=error)
            error = PortusError(f"it could not be scanned: a fault of this program ({words_of(error)})")
        step = "reference" if isinstance(error, InvalidReferenceError) else getattr(error, "step", "resolve")
        platform = f"{self.target.platform}: " if isinstance(self.target, Image) and self.target.platform else ""
        text = _text_of(self.given)
        message = message_line(f"{platform}{str(error).removeprefix(f'{text}: ')}")  # its name is beside it
        return self.make_end(UnresolvedImage(reference=text, step=step, message=message), error)


def make_document(ends: Iterable[ScanEnd]) -> ReportDocument:
    """Return the document of scans that have ended just now, in the order in which their references were given."""
    results = [end.result for end in sorted(ends, key=attrgetter("position", "part"))]
    return ReportDocument(
        reports=tuple(result for result in results if isinstance(result, ImageReport)),
        errors=tuple(result for result in results if isinstance(result, UnresolvedImage)),
        created=datetime.now(UTC).replace(microsecond=0),
    )


def _text_of(given: ScanTarget) -> str:
    if isinstance(given, str):
        return hide_account(given)
    return given.reference.text if isinstance(given, Image) else given.text


Source = Iterable[ScanTarget] | AsyncIterable[ScanTarget]

_TARGETS = (str, Image, Reference, LocalReference)
_END = object()


class Feed:
    """Hands out jobs.

    A list or a tuple is read at once; anything else is read by a task of this object, one reference whenever somebody
    waits for a job. The images of an index go before further references.

    Args:
        source: The caller's references.
        several: Whether a reference stands for all images of its index.

    Attributes:
        most: How many jobs there may be at one time, as far as is known from the beginning.
        taken: How many references were taken from the source.
        error: What the source raised.
    """

    def __init__(self, source: Source, *, several: bool = False) -> None:
        self._several = several
        self.most = max(len(source), 1) if isinstance(source, list | tuple) and not several else maxsize
        self.taken = 0
        self.error: BaseException | None = None
        self._parts: deque[Job] = deque()
        self._takers: deque[asyncio.Future[Job | None]] = deque()
        self._hungry = asyncio.Event()
        self._expected = 0  # references that may still become the images of an index
        self._dry = False
        self._at_hand = iter(source) if isinstance(source, list | tuple) else None
        self._pump = None if self._at_hand is not None else asyncio.create_task(self._read(source))
        if self._pump is not None:
            self._pump.add_done_callback(self._pumped)

    async def take(self) -> Job | None:
        """Return a job; None when there is none left, and none can come."""
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

        The caller takes the first of them next; the waiting takers get the others.
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
        """Take nothing further from a source that is read by and by.

        What is known is still handed out, since none of it may be passed over: a list, the images of an index.
        """
        if self._pump is not None:
            self._dry = True
            self._pump.cancel()
        self._settle()

    async def aclose(self) -> None:
        """Close, and wait until the source is no longer read."""
        self.close()
        if self._pump is not None and not self._pump.done():
            await asyncio.wait({self._pump})

    async def _read(self, source: Source) -> None:
        await self._hungry.wait()
        async for target in _stream(source):
            self._hand_over(self._make_job(target))
            await self._hungry.wait()

    def _pumped(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled():
            self.error = pump.exception()
        self._dry = True
        self._settle()

    def _make_job(self, target: ScanTarget) -> Job:
        self.taken += 1
        if not isinstance(target, _TARGETS):
            raise TypeError(f"expected a reference or an image, got {type(target).__name__}")
        several = self._several and not isinstance(target, Image)
        self._expected += several
        return Job(self.taken - 1, target, several=several)

    def _hand_over(self, job: Job) -> None:
        """Give a job to the oldest waiting taker; where none waits any longer, the next caller of `take` gets it."""
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
        """Wake every waiting taker with None once the feed is exhausted."""
        if self._dry and not self._expected and not self._parts:
            while (taker := self._next_taker()) is not None:
                taker.set_result(None)


async def read_all(source: Source) -> list[ScanTarget]:
    """Return all references of a source; what it raises passes."""
    return list(source) if isinstance(source, list | tuple) else [target async for target in _stream(source)]


def _stream(source: Source) -> AsyncIterable[ScanTarget]:
    return source if isinstance(source, AsyncIterable) else _iterate_in_thread(source)


async def _iterate_in_thread(items: Iterable[ScanTarget]) -> AsyncIterator[ScanTarget]:
    """Yield the items of an iterable that may block: each taken when it is asked for, always in the same thread.

    The thread is a daemon: one of a pool would be waited for when the program ends. What it reads then is lost.
    """
    asked: SimpleQueue[asyncio.Future[Any] | None] = SimpleQueue()
    loop = asyncio.get_running_loop()
    Thread(target=_read_in_thread, args=(items, asked, loop), name="portus-scanners-source", daemon=True).start()
    try:
        while True:
            answer = loop.create_future()
            asked.put(answer)
            if (item := await answer) is _END:
                return
            yield item
    finally:
        asked.put(None)


def _read_in_thread(
    items: Iterable[Any], asked: SimpleQueue[asyncio.Future[Any] | None], loop: asyncio.AbstractEventLoop
) -> None:
    """Take an item for each future."""
    iterator: Iterator[Any] | None = None
    while (answer := asked.get()) is not None:
        try:
            iterator = iter(items) if iterator is None else iterator
            item, error = next(iterator, _END), None
        except BaseException as raised:  # noqa: BLE001 (it goes to the task that iterates)
            item, error = None, raised
        with suppress(RuntimeError):  # the loop is closed: nothing iterates any longer
            loop.call_soon_threadsafe(_answer, answer, item, error)


def _answer(answer: asyncio.Future[Any], item: Any, error: BaseException | None) -> None:
    if answer.done():  # cancelled
        return
    if error is None:
        answer.set_result(item)
    elif isinstance(error, StopIteration):  # which a future does not take
        answer.set_exception(RuntimeError("the iterable raised StopIteration"))
    else:
        answer.set_exception(error)
