"""One image under all scanners at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from ..errors import RegistryError, RegistryUnavailableError
from ..local.reference import ImageReference
from ..merge import make_image_report
from ..models import Image, ImageReport, Platform, ScannerRun
from ..registry.reference import Reference
from .context import Progress
from .run import Run

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
        self._runs: dict[asyncio.Task[ScannerRun], Run] = {}
        self._ended: asyncio.Queue[ScannerRun | None] = asyncio.Queue()
        self._stopped = False
        self._closing = False
        self._runs_cancelled = False

    def stop(self) -> None:
        """Stop on request: runs that have not ended end `cancelled`; awaiting this still gives the report.

        Before the image is resolved there is nothing to report: awaiting then raises a `RegistryError`.
        """
        if self._stopped:
            return
        self._stopped = True
        if self._runs:
            self._cancel_runs()
        elif self._driver is not None:
            # after its first step: a task that is cancelled before that can't say why it ended
            asyncio.get_running_loop().call_soon(self._driver.cancel)

    async def aclose(self) -> None:
        """End everything that is still going on, and wait until it has ended."""
        if self._driver is None:
            return
        if not self._driver.done():
            if not self._closing:  # once: a second cancellation would cut the scanners' grace short
                self._closing = True
                self._driver.cancel()
            await asyncio.wait({self._driver})
        if not self._driver.cancelled():
            self._driver.exception()  # looked at: leaving without awaiting is no mistake

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
            async with AsyncExitStack() as closing:
                image = await self._open_image(deadline, closing)
                return make_image_report(image, await self._run_all(image, deadline))
        finally:
            self._ended.put_nowait(None)

    async def _open_image(self, deadline: float | None, closing: AsyncExitStack) -> Image:
        """Resolve; a local image stays open until *closing* is closed."""
        target = self._target
        if isinstance(target, Image) and target.local is None:
            return target
        reference = target.reference if isinstance(target, Image) else target
        if self._stopped:
            raise _interrupted(reference)
        try:
            async with asyncio.timeout_at(deadline):
                return await self._engine.open_image(target, self._platform, closing)
        except TimeoutError as error:
            msg = f"{reference.text} was not resolved within {self._timeout:g} s"
            raise RegistryUnavailableError(msg, registry=_registry_of(reference), step="resolve") from error
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            raise _interrupted(reference) from None

    async def _run_all(self, image: Image, deadline: float | None) -> list[ScannerRun]:
        for run in self._engine._make_runs(image, deadline, self._notify):
            task = asyncio.create_task(run.execute())
            task.add_done_callback(lambda task: self._ended.put_nowait(self._result(task)))
            self._runs[task] = run
        if not self._runs:
            return []
        if self._stopped:
            self._cancel_runs()
        try:
            await asyncio.wait(self._runs)
        except asyncio.CancelledError:
            self._cancel_runs()
            await asyncio.wait(self._runs)
            if not self._stopped:
                raise
        return [self._result(task) for task in self._runs]

    def _cancel_runs(self) -> None:
        """Cancel the runs, once: a second cancellation would cut the scanners' grace short."""
        if not self._runs_cancelled:
            self._runs_cancelled = True
            for task in self._runs:
                task.cancel()

    def _result(self, task: asyncio.Task[ScannerRun]) -> ScannerRun:
        """Return a run's record; one that was stopped before its first step has made none itself."""
        return self._runs[task].cancelled() if task.cancelled() else task.result()


def _interrupted(reference: ImageReference) -> RegistryError:
    msg = f"stopped before {reference.text} was resolved"
    return RegistryError(msg, registry=_registry_of(reference), step="interrupted")


def _registry_of(reference: ImageReference) -> str:
    return reference.registry if isinstance(reference, Reference) else ""


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
