"""One image under all scanners, in the task of whoever scans it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from portus_images import Image, Platform

from ..merge import make_image_report
from ..models import ImageReport, ScannerRun
from .context import Progress
from .resolving import Resolving

if TYPE_CHECKING:
    from portus_images import ImageReference

    from .engine import Engine
    from .run import Run


class ImageScan:
    """One image: resolved, then scanned by all scanners at once. Used once, by one task.

    Args:
        engine: Whose scanners.
        target: The image, resolved or not.
        platform: Which image of an index.
        deadline: Loop time at which all of it has to end; None for the scanners' own limits.
        notify: Told of every change of a run.
        on_run: Called with each run's record as it ends.
    """

    __slots__ = (
        "_deadline", "_engine", "_left", "_notify", "_on_run", "_over", "_platform", "_records", "_resolving", "_runs",
        "_stopped", "_target",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        target: ImageReference | Image,
        *,
        platform: Platform | None = None,
        deadline: float | None = None,
        notify: Callable[[Progress], None] | None = None,
        on_run: Callable[[ScannerRun], None] | None = None,
    ) -> None:
        self._engine = engine
        self._target = target
        self._platform = platform
        self._deadline = deadline
        self._notify = notify
        self._on_run = on_run
        self._resolving: Resolving | None = None
        self._runs: tuple[Run, ...] = ()
        self._records: list[ScannerRun | None] = []
        self._left = 0
        self._over: asyncio.Future[None] | None = None
        self._stopped = False

    @property
    def resolved(self) -> Image | None:
        """The target, where it can be scanned as it is: without `open`."""
        target = self._target
        return target if isinstance(target, Image) and target.local is None else None

    async def open(self, closing: AsyncExitStack) -> Image:
        """Resolve the target; a local image stays open until *closing* is closed.

        Raises:
            RegistryError: It could not be resolved, in time, or before `stop`.
        """
        reference = self._target.reference if isinstance(self._target, Image) else self._target
        self._resolving = Resolving(reference, self._deadline)
        if self._stopped:
            self._resolving.stop()
        return await self._resolving.ask(self._engine.open_image(self._target, self._platform, closing))

    async def run(self, image: Image) -> ImageReport:
        """Run all scanners on an open image. Cancelling this ends them first.

        Returns:
            The report, its runs in the order of the configuration.
        """
        self._runs = self._engine._make_runs(image, self._deadline, self._notify, self._run_ended)
        self._records = [None] * len(self._runs)
        self._left = len(self._runs)
        for run in self._runs:
            run.begin()
        if self._stopped:
            self._stop_runs()
        try:
            await self._wait()
        except asyncio.CancelledError:
            self._stop_runs()
            await self._wait()
            raise
        finally:
            self._runs = ()  # they know this object: without a cycle nothing is left for the collector
        return make_image_report(image, [record for record in self._records if record is not None])

    def stop(self) -> None:
        """Stop on request: what has not ended is `cancelled`; before the image is resolved, there is no report."""
        self._stopped = True
        if self._resolving is not None:
            self._resolving.stop()
        self._stop_runs()

    async def _wait(self) -> None:
        """Wait until all runs have ended."""
        if self._left:
            self._over = asyncio.get_running_loop().create_future()
            await self._over

    def _stop_runs(self) -> None:
        for run in self._runs:
            run.stop()

    def _run_ended(self, place: int, record: ScannerRun) -> None:
        self._records[place] = record
        self._left -= 1
        if self._on_run is not None:
            self._on_run(record)
        if not self._left and self._over is not None and not self._over.done():
            self._over.set_result(None)
