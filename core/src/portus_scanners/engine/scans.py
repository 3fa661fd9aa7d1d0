"""Scans as their callers see them, of one image and of many, and the driver that both have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

from attrs import define, field
from portus_images import Image, ImageReference, InvalidManifestError, Platform, RegistryError, SingleFlight

from ..models import ImageReport, ScannerRun
from .context import Progress, see_error
from .crew import NOT_OPEN, Crew
from .feed import Feed, ImageProgress, Job, ScanEnd, Source
from .image_scan import ImageScan, Resolution, parse_target, reference_of, registry_of

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Driver(Generic[ItemT, ResultT]):
    """The task behind a scan: its items are taken one by one, as they come, and its result is awaited.

    Args:
        crew: Ends the task when the engine is closed.
        room: How many items may wait until they are taken; 0 for any number.

    Attributes:
        items: Where the task puts its items.
    """

    def __init__(self, crew: Crew, room: int = 0) -> None:
        self._crew = crew
        self._task: asyncio.Task[ResultT] | None = None
        self.items: asyncio.Queue[ItemT | None] = asyncio.Queue(room)

    @property
    def begun(self) -> bool:
        """Whether there is a task."""
        return self._task is not None

    def begin(self, work: Coroutine[Any, Any, ResultT]) -> None:
        """Begin the task.

        Raises:
            RuntimeError: The engine was closed.
        """
        if not self._crew.is_open:
            work.close()
            raise RuntimeError(NOT_OPEN)
        self._task = asyncio.create_task(work)
        self._crew.scans.add(self)
        self._task.add_done_callback(self._ended)

    async def take(self) -> ItemT | None:
        """Return the next item; None when the task has ended and nothing is left."""
        item = await self.items.get()
        if self._task is not None and self._task.done() and self.items.empty():
            self.items.put_nowait(None)  # for the next call, and for other tasks that wait
        return item

    def take_ready(self) -> list[ItemT]:
        """Return the items that are there: what `take` would return without waiting."""
        items = [item for _ in range(self.items.qsize()) if (item := self.items.get_nowait()) is not None]
        if self._task is not None and self._task.done():
            self.items.put_nowait(None)
        return items

    def check_end(self, *, seen: bool = False) -> None:
        """Raise what the ended task has raised, unless it was *seen*; a RuntimeError when it was ended from outside."""
        assert self._task is not None  # noqa: S101 (it has ended)
        if self._task.cancelled():
            raise self._closed()
        if (error := self._task.exception()) is not None and not seen:
            raise error

    async def wait(self) -> ResultT:
        """Return the task's result. Cancelling this ends the task first.

        Raises:
            RuntimeError: It was ended from outside.
        """
        assert self._task is not None  # noqa: S101 (it was begun)
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if self._task.cancelled() and not (caller and caller.cancelling()):
                raise self._closed() from None
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the task, if there is one, and wait until it has ended; an error that it has raised counts as seen.

        It is cancelled once, however often this is called: a second cancellation would cut the scanners' grace short.
        """
        if self._task is None:
            return
        if not self._task.done():
            if not self._task.cancelling():
                self._task.cancel()
            await asyncio.wait({self._task})
        see_error(self._task)

    def _ended(self, _task: object) -> None:
        self._crew.scans.discard(self)
        if not self.items.full():  # else the call that takes the last item does this
            self.items.put_nowait(None)

    def _closed(self) -> RuntimeError:
        return RuntimeError("it was closed, or its engine, before it had ended")


class Scan:
    """A scan of one image: await it for the report, or iterate over it for each scanner's run as it ends.

    The report alone, or each run first:

        report = await engine.scan("registry.example/app:1.0")

        async with engine.scan("registry.example/app:1.0") as scan:
            async for run in scan:
                print(run.scanner, run.outcome.value)
            report = await scan

    It begins when it is awaited or entered. Cancelling the task that awaits it, or leaving the ``async with``, ends
    everything that it started. Made by `Engine.scan`.

    Raises:
        RegistryError: (when awaited or iterated) The image could not be resolved.
    """

    def __init__(
        self,
        crew: Crew,
        target: ImageReference | Image,
        *,
        platform: Platform | None,
        timeout: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._driver: Driver[ScannerRun, ImageReport] = Driver(crew)
        on_run = self._driver.items.put_nowait
        self._scan = ImageScan(crew, target, platform=platform, notify=on_progress, on_run=on_run)
        self._timeout = timeout

    def stop(self) -> None:
        """Stop on request: runs that have not ended end `cancelled`; awaiting this still gives the report.

        Before the image is resolved there is nothing to report: awaiting then raises a `RegistryError`.
        """
        self._scan.stop()

    async def aclose(self) -> None:
        """End everything that is still going on, and wait until it has ended."""
        await self._driver.aclose()

    async def __aenter__(self) -> Scan:
        self._begin()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    def __await__(self) -> Generator[Any, None, ImageReport]:
        self._begin()
        return self._driver.wait().__await__()

    async def __aiter__(self) -> AsyncIterator[ScannerRun]:
        self._begin()
        while (run := await self._driver.take()) is not None:
            yield run
        self._driver.check_end()

    def _begin(self) -> None:
        if not self._driver.begun:
            deadline = None if self._timeout is None else asyncio.get_running_loop().time() + self._timeout
            self._driver.begin(self._scan.scan(deadline))


@define(eq=False, repr=False)
class Scans:
    """Scans of many images, at most so many at once: iterate over it for each one's end as it comes.

    In short:

        async with engine.scan_many(references) as scans:
            async for end in scans:
                print(end.position, end.result)

    It works only inside ``async with``: leaving the block, by ``break`` or by an error, ends everything that was
    begun. References are taken from the iterable when there is room for them, and ends wait until they are taken:
    at most *concurrency* images are under way or wait behind as many ends. Made by `Engine.scan_many`.

    Raises:
        Exception: (at the end of the iteration) What the caller's iterable raised; the ends of all images that were
            taken before come first.
    """

    _crew: Crew
    _source: Source
    _concurrency: int = field(kw_only=True)
    _platform: Platform | None = field(kw_only=True)
    _all_platforms: bool = field(kw_only=True)
    _timeout: float | None = field(kw_only=True)
    _total_timeout: float | None = field(kw_only=True)
    _on_progress: Callable[[ImageProgress], None] | None = field(kw_only=True)
    _driver: Driver[ScanEnd, None] = field(init=False)
    _flights: SingleFlight = field(factory=partial(SingleFlight, share_errors=False), init=False)
    _under_way: set[ImageScan | Resolution] = field(factory=set, init=False)
    _feed: Feed | None = field(default=None, init=False)  # outside `async with`
    _deadline: float | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        if self._concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {self._concurrency}")
        self._driver = Driver(self._crew, room=self._concurrency)

    @property
    def taken(self) -> int:
        """How many references were taken from the iterable: each of them, and no other, has an end."""
        return 0 if self._feed is None else self._feed.taken

    def stop(self) -> None:
        """Stop on request: no more references are taken, and the iteration still gives an end for each that was.

        Those of a list or a tuple count as taken, all of them. Runs that have ended keep their outcome, the others are
        `cancelled`; an image that is not resolved yet, or was not begun, is an `UnresolvedImage` of the step
        ``interrupted``.
        """
        self._stopped = True
        if self._feed is not None:
            self._feed.close()
        for one in tuple(self._under_way):
            one.stop()

    async def aclose(self) -> None:
        """End everything that is still going on, and wait until it has ended."""
        await self._driver.aclose()

    def take_ready(self) -> list[ScanEnd]:
        """Return the ends that are there, which the iteration then does not give: for what is done once for several."""
        return self._driver.take_ready()

    async def __aenter__(self) -> Scans:
        if self._feed is not None:
            raise RuntimeError("these scans were begun already")
        if not self._crew.is_open:
            raise RuntimeError(NOT_OPEN)
        if self._total_timeout is not None:
            self._deadline = asyncio.get_running_loop().time() + self._total_timeout
        self._feed = Feed(self._source, several=self._all_platforms)
        self._driver.begin(self._drive(self._feed))
        if self._stopped:
            self.stop()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Scans:
        return self

    async def __anext__(self) -> ScanEnd:
        if self._feed is None:
            raise RuntimeError("use it in `async with engine.scan_many(...) as scans:`")
        if (end := await self._driver.take()) is not None:
            return end
        seen, self._over = self._over, True
        self._driver.check_end(seen=seen)
        raise StopAsyncIteration

    async def _drive(self, feed: Feed) -> None:
        """Let *concurrency* tasks work until nothing is left to do; raise what the source, or one of them, raised."""
        workers = [asyncio.create_task(self._work(feed)) for _ in range(min(self._concurrency, feed.most))]
        timer = None
        if self._deadline is not None:
            timer = asyncio.get_running_loop().call_at(self._deadline, feed.close)
        try:
            await asyncio.wait(workers)
        finally:
            if timer is not None:
                timer.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, feed.aclose(), return_exceptions=True)
        errors = [feed.error, *(worker.exception() for worker in workers if not worker.cancelled())]
        if (error := next(filter(None, errors), None)) is not None:
            raise error

    async def _work(self, feed: Feed) -> None:
        """Scan one image after another; what has ended is held until there is room for it."""
        while (job := await feed.take()) is not None:
            end = await self._find_parts(job, feed) if job.several else await self._scan(job)
            if end is not None:
                await self._driver.items.put(end)

    async def _find_parts(self, job: Job, feed: Feed) -> ScanEnd | None:
        """Let the images of an index be scanned in the place of its reference; return an end where there is none."""
        images: tuple[Image, ...] = ()
        try:
            images = await self._resolve_all(job)
        except Exception as error:  # noqa: BLE001 (as in `_scan`)
            return job.make_failure(error)
        finally:
            feed.expand(job, images)
        return None

    async def _resolve_all(self, job: Job) -> tuple[Image, ...]:
        reference = job.target or parse_target(job.given)
        assert not isinstance(reference, Image)  # noqa: S101 (such a job is not one of several)
        self._check_turn(reference)
        self._tell(job, None)
        resolution = Resolution(reference, self._find_deadline(), late="timeout")
        self._under_way.add(resolution)
        try:
            images = await resolution.find(self._crew.images.resolve_all(reference))
        finally:
            self._under_way.discard(resolution)
        if not images:
            msg = f"{reference.text}: its index names no image"
            raise InvalidManifestError(msg, registry=registry_of(reference), step="resolve")
        return images

    async def _scan(self, job: Job) -> ScanEnd:
        try:
            target = job.target or parse_target(job.given)
            self._check_turn(target)
            self._tell(job, None)
            deadline = self._find_deadline()
            notify = None if self._on_progress is None else partial(self._tell, job)
            scan = ImageScan(self._crew, target, platform=self._platform, notify=notify, flights=self._flights)
            self._under_way.add(scan)
            try:
                return job.make_end(await scan.scan(deadline))
            finally:
                self._under_way.discard(scan)
        except Exception as error:  # noqa: BLE001 (even a surprise is the end of one image, and of no other)
            return job.make_failure(error)

    def _check_turn(self, target: ImageReference | Image) -> None:
        """Raise the reason why a scan is no longer begun."""
        if self._stopped:
            raise _not_begun(target, "interrupted", "stopped before its turn came")
        if self._deadline is not None and asyncio.get_running_loop().time() >= self._deadline:
            raise _not_begun(target, "timeout", "the time for all images was up before its turn came")

    def _find_deadline(self) -> float | None:
        if self._timeout is None:
            return self._deadline
        own = asyncio.get_running_loop().time() + self._timeout
        return own if self._deadline is None else min(own, self._deadline)

    def _tell(self, job: Job, progress: Progress | None) -> None:
        """Tell how far a job is; a beginning is told soon, not from here: the caller's errors are not ours."""
        if self._on_progress is None:
            return
        told = ImageProgress(
            position=job.position, part=job.part, parts=job.parts, target=job.target or job.given, progress=progress
        )
        if progress is None:
            asyncio.get_running_loop().call_soon(self._on_progress, told)
        else:
            self._on_progress(told)


def _not_begun(target: ImageReference | Image, step: str, message: str) -> RegistryError:
    return RegistryError(message, registry=registry_of(reference_of(target)), step=step)
