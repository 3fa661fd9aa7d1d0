"""One image under all scanners, in the task of its caller: resolved, scanned, reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar

from attrs import define, evolve, field
from portus_images import (
    Image,
    ImageReference,
    Platform,
    Reference,
    RegistryError,
    RegistryUnavailableError,
    SingleFlight,
    parse_reference,
    words_of,
)

from ..merge import make_image_report
from ..models import ImageReport, Outcome, ScannerRun
from .context import Progress, see_error
from .crew import Crew
from .run import Run

ResultT = TypeVar("ResultT")

_ABOUT_CONTENT = {Outcome.OK, Outcome.INCOMPLETE, Outcome.UNSUPPORTED}
"""Outcomes that say something about the image, and not about the way to it."""
_MANY = 1000
"""Findings, with their aliases, that are merged in a thread, so that the event loop goes on."""


@define(eq=False)
class ImageScan:
    """The scan of one image. Used once, by one task.

    Args:
        crew: Whose scanners.
        target: The image, resolved or not.
        platform: Which image of an index.
        notify: Told of every change of a run.
        on_run: Called with each run's record as it ends.
        flights: The scans under way whose reports will do for the same content.
        scanners: Names of the crew's scanners that are asked; all of them when left out.
    """

    _crew: Crew
    _target: ImageReference | Image
    _platform: Platform | None = field(kw_only=True)
    _notify: Callable[[Progress], None] | None = field(kw_only=True)
    _on_run: Callable[[ScannerRun], None] | None = field(default=None, kw_only=True)
    _flights: SingleFlight | None = field(default=None, kw_only=True)
    _scanners: Collection[str] | None = field(default=None, kw_only=True)
    _deadline: float | None = field(default=None, init=False)
    _resolution: Resolution | None = field(default=None, init=False)
    _runs: list[Run] = field(factory=list, init=False)
    _records: list[ScannerRun | None] = field(factory=list, init=False)
    _left: int = field(default=0, init=False)
    _over: asyncio.Future[None] | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    async def scan(self, deadline: float | None) -> ImageReport:
        """Resolve the image where needed, and return its report, the runs in the order of the configuration.

        Cancelling this ends the runs first.

        Args:
            deadline: Loop time at which all of it has to end; None for the scanners' own limits.

        Raises:
            RegistryError: It could not be resolved, in time, or before `stop`.
        """
        self._deadline = deadline
        if isinstance(self._target, Image) and self._target.local is None:
            return await self._run_once(self._target)
        async with AsyncExitStack() as closing:  # as long as this is open, so is a local image
            return await self._run_once(await self._open(closing))

    def stop(self) -> None:
        """Stop on request: what has not ended is `cancelled`; before the image is resolved, there is no report."""
        self._stopped = True
        if self._resolution is not None:
            self._resolution.stop()
        self._stop_runs()

    async def _open(self, closing: AsyncExitStack) -> Image:
        self._resolution = Resolution(reference_of(self._target), self._deadline)
        if self._stopped:
            self._resolution.stop()
        return await self._resolution.find(self._crew.images.open(self._target, self._platform, closing))

    async def _run_once(self, image: Image) -> ImageReport:
        """Return the report of the scan that is under way for this content, with this image as its own; or scan.

        A failure is shared with the very same reference only: another repository may give access.
        """
        if self._flights is None or image.unsupported is not None:  # as an image, another reference may give it
            return await self._run(image)
        content = image.digest, image.local is not None
        report: ImageReport = await self._flights.run(content, partial(self._run, image), partial(_fits, image))
        return report if report.image is image else evolve(report, image=image)

    async def _run(self, image: Image) -> ImageReport:
        """Run all scanners at once, and merge what they find."""
        records = await self.ask(image)
        found = [run.report.findings for run in records if run.report]
        if sum(map(len, found)) < _MANY and sum(1 + len(one.aliases) for each in found for one in each) < _MANY:
            return make_image_report(image, records)
        return await asyncio.to_thread(make_image_report, image, records)

    async def ask(self, image: Image) -> tuple[ScannerRun, ...]:
        """Run all scanners at once on a resolved image; return their runs in the order of the configuration."""
        crew, deadline, notify, names = self._crew, self._deadline, self._notify, self._scanners
        asked = [ready for ready in crew.scanners if names is None or ready.name in names]
        self._runs = [
            Run(crew, ready, image, deadline, notify, partial(self._run_ended, place))
            for place, ready in enumerate(asked)
        ]
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
            self._runs = []  # they know this object: without a cycle nothing is left for the collector
        return tuple([record for record in self._records if record is not None])

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


def _fits(image: Image, report: ImageReport) -> bool:
    same = report.image.reference == image.reference
    return same or all(run.outcome in _ABOUT_CONTENT for run in report.results)


def parse_target(given: str | ImageReference | Image) -> ImageReference | Image:
    """Return what is to be scanned; a string that is not a valid reference is an `InvalidReferenceError`."""
    return parse_reference(given) if isinstance(given, str) else given


def reference_of(target: ImageReference | Image) -> ImageReference:
    """Return the reference of an image that is resolved or not."""
    return target.reference if isinstance(target, Image) else target


@define(eq=False)
class Resolution:
    """A question to a registry, a folder or an archive: which image is this? It has a time limit, and can be stopped.

    Args:
        reference: What is resolved, for messages.
        deadline: Loop time at which it has to be done; None for no limit.
        late: The step of the error when the time is up.
    """

    _reference: ImageReference
    _deadline: float | None
    _late: str = "resolve"
    _task: asyncio.Task[Any] | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Stop on request: `find` raises an error that says so."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def find(self, question: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Return the answer. Cancelling this ends the question first.

        Raises:
            RegistryError: What the question raised; it was stopped; or the time was up.
        """
        if self._stopped:
            question.close()
            raise self._interrupted()
        self._task = task = asyncio.create_task(question)
        task.add_done_callback(see_error)
        limit = None if self._deadline is None else self._deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait({task}, timeout=None if limit is None else max(limit, 0.0))
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        try:
            return task.result()
        except (OSError, ImportError) as error:  # the machine's: too many open files, say, in an import as well
            msg = f"{self._reference.text} was not resolved: {words_of(error)}"
            raise RegistryUnavailableError(msg, registry=registry_of(self._reference), step="resolve") from error
        except asyncio.CancelledError:
            pass
        if self._stopped:
            raise self._interrupted()
        msg = f"{self._reference.text} was not resolved within {round(limit or 0.0, 1):g} s"
        raise RegistryUnavailableError(msg, registry=registry_of(self._reference), step=self._late)

    def _interrupted(self) -> RegistryError:
        msg = f"stopped before {self._reference.text} was resolved"
        return RegistryError(msg, registry=registry_of(self._reference), step="interrupted")


def registry_of(reference: ImageReference) -> str:
    """Return the registry of a reference, for an error; empty for a local one."""
    return reference.registry if isinstance(reference, Reference) else ""
