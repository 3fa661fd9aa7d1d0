"""One image under all scanners at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from portus_images import Image, ImageReference, Platform

from ..models import ImageReport, ScannerRun
from .context import Progress
from .drivers import end_driver
from .image_scan import ImageScan

if TYPE_CHECKING:
    from .engine import Engine


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
        engine: Engine,
        target: ImageReference | Image,
        *,
        platform: Platform | None,
        timeout: float | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._engine = engine
        self._target = target
        self._platform = platform
        self._timeout = timeout
        self._notify = on_progress
        self._driver: asyncio.Task[ImageReport] | None = None
        self._scan: ImageScan | None = None  # as long as the driver has not made its first step
        self._ended: asyncio.Queue[ScannerRun | None] = asyncio.Queue()
        self._stopped = False

    def stop(self) -> None:
        """Stop on request: runs that have not ended end `cancelled`; awaiting this still gives the report.

        Before the image is resolved there is nothing to report: awaiting then raises a `RegistryError`.
        """
        self._stopped = True
        if self._scan is not None:
            self._scan.stop()

    async def aclose(self) -> None:
        """End everything that is still going on, and wait until it has ended."""
        if self._driver is not None:
            await end_driver(self._driver)

    async def __aenter__(self) -> Scan:
        self._begin()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    def __await__(self) -> Generator[Any, None, ImageReport]:
        return self._report().__await__()

    async def __aiter__(self) -> AsyncIterator[ScannerRun]:
        driver = self._begin()
        while (run := await self._ended.get()) is not None:
            yield run
        self._ended.put_nowait(None)  # for a second iteration, which then sees the end at once
        if driver.cancelled():
            raise self._closed()
        if (error := driver.exception()) is not None:
            raise error

    async def _report(self) -> ImageReport:
        driver = self._begin()
        try:
            return await asyncio.shield(driver)
        except asyncio.CancelledError:
            if driver.cancelled() and not _is_cancelled():
                raise self._closed() from None
            await self.aclose()
            raise

    def _closed(self) -> RuntimeError:
        return RuntimeError("the scan was closed, or its engine, before it had ended")

    def _begin(self) -> asyncio.Task[ImageReport]:
        if self._driver is None:
            self._engine._adopt(self)
            self._driver = asyncio.create_task(self._drive())
            self._driver.add_done_callback(lambda _: self._engine._release(self))
        return self._driver

    async def _drive(self) -> ImageReport:
        try:
            deadline = None if self._timeout is None else asyncio.get_running_loop().time() + self._timeout
            self._scan = ImageScan(
                self._engine,
                self._target,
                platform=self._platform,
                deadline=deadline,
                notify=self._notify,
                on_run=self._ended.put_nowait,
            )
            if self._stopped:
                self._scan.stop()
            async with AsyncExitStack() as closing:
                image = self._scan.resolved or await self._scan.open(closing)
                return await self._scan.run(image)
        finally:
            self._ended.put_nowait(None)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
