"""Many images, a bounded number of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from portus_images import (
    Image,
    ImageReference,
    InvalidManifestError,
    Platform,
    PortusError,
    RegistryError,
    SingleFlight,
)

from .context import Progress
from .crew import Crew
from .feed import Feed, Source
from .image_scan import ImageScan, Resolution, registry_of
from .job import ImageProgress, Job, ScanEnd
from .scan import Driver


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

    def __init__(  # noqa: PLR0913 (one parameter a setting)
        self,
        crew: Crew,
        source: Source,
        *,
        concurrency: int,
        platform: Platform | None,
        all_platforms: bool,
        timeout: float | None,
        total_timeout: float | None,
        on_progress: Callable[[ImageProgress], None] | None,
    ) -> None:
        if concurrency < 1:
            msg = f"concurrency must be at least 1, got {concurrency}"
            raise ValueError(msg)
        self._crew = crew
        self._source = source
        self._concurrency = concurrency
        self._platform = platform
        self._all_platforms = all_platforms
        self._timeout = timeout
        self._total_timeout = total_timeout
        self._on_progress = on_progress
        self._driver: Driver[ScanEnd, None] = Driver(crew, room=concurrency)
        self._flights = SingleFlight(share_errors=False)
        self._under_way: set[ImageScan | Resolution] = set()
        self._feed: Feed | None = None  # outside `async with`
        self._deadline: float | None = None
        self._stopped = False
        self._over = False

    @property
    def taken(self) -> int:
        """How many references were taken from the iterable: each of them, and no other, has an end."""
        return 0 if self._feed is None else self._feed.taken

    def stop(self) -> None:
        """Stop on request: no more references are taken, and the iteration still gives an end for each that was.

        Runs that have ended keep their outcome, the others are `cancelled`; an image that is not resolved yet, or was
        not begun, is an `UnresolvedImage` of the step ``interrupted``.
        """
        self._stopped = True
        if self._feed is not None:
            self._feed.close()
        for one in tuple(self._under_way):
            one.stop()

    async def aclose(self) -> None:
        """End everything that is still going on, and wait until it has ended."""
        await self._driver.aclose()

    async def __aenter__(self) -> Scans:
        if self._feed is not None:
            msg = "these scans were begun already"
            raise RuntimeError(msg)
        self._crew.check_open()
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
            msg = "use it in `async with engine.scan_many(...) as scans:`"
            raise RuntimeError(msg)
        if (end := await self._driver.take()) is not None:
            return end
        over, self._over = self._over, True
        if not over:
            self._driver.check_end()
        raise StopAsyncIteration

    async def _drive(self, feed: Feed) -> None:
        """Let *concurrency* tasks work until nothing is left to do; raise what the source, or one of them, raised."""
        workers = [asyncio.create_task(self._work(feed)) for _ in range(self._concurrency)]
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
        except PortusError as error:
            return job.make_failure(error)
        finally:
            feed.expand(job, images)
        return None

    async def _resolve_all(self, job: Job) -> tuple[Image, ...]:
        reference = job.find_target()
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
            target = job.find_target()
            self._check_turn(target)
            self._tell(job, None)
            notify = None if self._on_progress is None else partial(self._tell, job)
            scan = ImageScan(self._crew, target, platform=self._platform, notify=notify, flights=self._flights)
            self._under_way.add(scan)
            try:
                return job.make_end(await scan.scan(self._find_deadline()))
            finally:
                self._under_way.discard(scan)
        except PortusError as error:
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
        told = job.make_progress(progress)
        if progress is None:
            asyncio.get_running_loop().call_soon(self._on_progress, told)
        else:
            self._on_progress(told)


def _not_begun(target: ImageReference | Image, step: str, message: str) -> RegistryError:
    reference = target.reference if isinstance(target, Image) else target
    return RegistryError(message, registry=registry_of(reference), step=step)
