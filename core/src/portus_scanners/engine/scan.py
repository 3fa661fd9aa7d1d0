"""The scan of one image as a caller sees it, and the driver that it shares with the scans of many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from portus_images import Image, ImageReference, Platform

from ..models import ImageReport, ScannerRun
from .context import Progress
from .crew import Crew, end_driver
from .image_scan import ImageScan

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
        self._task = self._crew.drive(work)
        self._task.add_done_callback(self._ended)

    async def take(self) -> ItemT | None:
        """Return the next item; None when the task has ended and nothing is left."""
        item = await self.items.get()
        if self._task is not None and self._task.done() and self.items.empty():
            self.items.put_nowait(None)  # for the next call, and for other tasks that wait
        return item

    def check_end(self) -> None:
        """Raise what the ended task has raised; a RuntimeError when it was ended from outside."""
        assert self._task is not None  # noqa: S101 (it has ended)
        if self._task.cancelled():
            raise self._closed()
        if (error := self._task.exception()) is not None:
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
            if self._task.cancelled() and not _is_cancelled():
                raise self._closed() from None
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the task, if there is one, and wait until it has ended."""
        if self._task is not None:
            await end_driver(self._task)

    def _ended(self, _task: object) -> None:
        if not self.items.full():  # else the call that takes the last item does this
            self.items.put_nowait(None)

    def _closed(self) -> RuntimeError:
        return RuntimeError("it was closed, or its engine, before it had ended")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


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
