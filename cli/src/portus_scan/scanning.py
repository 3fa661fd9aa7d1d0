"""Several images put to one engine, at most four at a time; what ends early keeps what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain, count

from attrs import frozen
from portus_scanners import (
    Engine,
    Image,
    ImageReference,
    ImageReport,
    Outcome,
    Platform,
    PortusScannersError,
    ReportDocument,
    Settings,
    UnresolvedImage,
)

from .clock import now
from .exit_codes import ExitCode
from .leaving import GRACE, leave_at_once, run_to_end, stop_on_signals
from .output import foreign_prints_to_stderr
from .progress import Display

IMAGES_AT_ONCE = 4
LOOPBACK = "127.0.0.1"
_LEFT_RUNNING = {Outcome.TIMED_OUT, Outcome.PENDING, Outcome.CANCELLED}


_End = ImageReport | UnresolvedImage


@frozen(kw_only=True)
class Order:
    """What is to be scanned, and how."""

    references: tuple[ImageReference, ...]
    settings: Settings
    platform: Platform | None = None
    all_platforms: bool = False
    """Every image of an index, each with its own report."""
    serve_address: str = LOOPBACK
    """Where the layers of local images are served to backends."""
    timeout: float | None = None
    """Seconds for all of it together."""


def run_order(order: Order, display: Display, deliver: Callable[[ReportDocument], ExitCode]) -> ExitCode:
    """Scan, hand the document over, and close everything; the display is stopped before the document is handed over.

    The first Ctrl-C, SIGTERM or SIGHUP ends the scans, and what was found is still handed over; the second leaves at
    once.
    This function does not return when something is left behind that would keep the interpreter from ending.

    Args:
        order: What to scan.
        display: Sees what goes on.
        deliver: Writes the document and returns the exit code for it. Called before the engine is closed: a scanner
            that hangs while it is closed can't take the answer away.

    Returns:
        What *deliver* said; `INTERRUPTED` after a Ctrl-C, SIGTERM or SIGHUP.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong; nothing was scanned.
    """
    with asyncio.Runner() as runner:
        scans = ImageScans(order, display)
        with stop_on_signals(runner.get_loop(), scans.interrupt, scans.abandon):
            display.start()
            try:
                with foreign_prints_to_stderr():
                    document = run_to_end(runner, scans.run())
            finally:
                display.stop()
            code = deliver(document)
            with foreign_prints_to_stderr():
                run_to_end(runner, scans.aclose())
        if scans.interrupted:
            code = ExitCode.INTERRUPTED
        if scans.interrupted or scans.abandoned or _is_left_running(document):
            leave_at_once(code)
    return code


def _is_left_running(document: ReportDocument) -> bool:
    """Return whether some run was ended from outside: a thread of its plugin may go on for a long time."""
    return any(run.outcome in _LEFT_RUNNING for report in document.reports for run in report.results)


class ImageScans:
    """The scans of one command.

    Args:
        order: What to scan.
        display: Sees what goes on.
    """

    def __init__(self, order: Order, display: Display) -> None:
        self._order = order
        self._display = display
        self._engine = Engine(order.settings, grace=GRACE, serve_address=order.serve_address)
        self._numbers = count(len(order.references))
        self._slots = asyncio.Semaphore(IMAGES_AT_ONCE)
        self._stops: set[Callable[[], object]] = set()
        self.interrupted = False

    @property
    def abandoned(self) -> bool:
        """Whether some scanner would not end."""
        return bool(self._engine.abandoned)

    async def run(self) -> ReportDocument:
        """Scan all images; reports and errors in the order of the references.

        Raises:
            SettingsError: The configuration of an enabled scanner is wrong.
        """
        timeout = self._order.timeout
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        await self._open()
        scans = (self._scan_reference(*numbered, deadline) for numbered in enumerate(self._order.references))
        ends = tuple(chain.from_iterable(await asyncio.gather(*scans)))
        return ReportDocument(
            reports=tuple(end for end in ends if isinstance(end, ImageReport)),
            errors=tuple(end for end in ends if isinstance(end, UnresolvedImage)),
            created=now(),
        )

    def interrupt(self) -> None:
        """End everything that is going on."""
        self.interrupted = True
        self._display.say("stopping, what was found is kept; press Ctrl-C again to leave at once")
        for stop in tuple(self._stops):
            stop()

    def abandon(self) -> None:
        """Leave at once, from inside a signal handler."""
        self._display.abandon()
        leave_at_once(ExitCode.INTERRUPTED)

    async def aclose(self) -> None:
        """Close the engine; after an interruption only for as long as the grace."""
        closing = asyncio.create_task(self._engine.aclose())
        self._stops.add(closing.cancel)
        await asyncio.wait({closing}, timeout=GRACE if self.interrupted else None)
        if closing.done() and not closing.cancelled():
            closing.result()

    async def _open(self) -> None:
        """Start the engine; an interruption ends that too."""
        opening = asyncio.create_task(self._engine.__aenter__())
        self._stops.add(opening.cancel)
        await asyncio.wait({opening})
        self._stops.discard(opening.cancel)
        if not opening.cancelled():
            opening.result()

    async def _scan_reference(self, index: int, reference: ImageReference, deadline: float | None) -> tuple[_End, ...]:
        """Scan what one reference means: an image, or all images of an index."""
        if not self._order.all_platforms:
            return (await self._scan(index, reference, deadline),)
        images = await self._resolve_all(index, reference, deadline)
        if isinstance(images, UnresolvedImage):
            self._display.end(index)
            return (images,)
        self._display.expect(len(images) - 1)
        numbers = [index, *(next(self._numbers) for _ in images[1:])]
        scans = (self._scan(number, image, deadline) for number, image in zip(numbers, images, strict=True))
        return tuple(await asyncio.gather(*scans))

    async def _resolve_all(
        self, index: int, reference: ImageReference, deadline: float | None
    ) -> tuple[Image, ...] | UnresolvedImage:
        async with self._slots:
            if (hindrance := self._find_hindrance(reference, deadline)) is not None:
                return hindrance
            self._display.begin(index, reference.text)
            resolving = asyncio.create_task(self._engine.resolve_all(reference))
            self._stops.add(resolving.cancel)
            try:
                async with asyncio.timeout_at(deadline):
                    return await resolving
            except TimeoutError:
                return _not_begun(reference, "timeout", "it was not resolved within the time given with --timeout")
            except PortusScannersError as error:
                return _not_begun(reference, getattr(error, "step", "resolve"), str(error))
            except asyncio.CancelledError:
                if not self.interrupted:
                    raise
                return _not_begun(reference, "interrupted", "stopped before it was resolved")
            finally:
                self._stops.discard(resolving.cancel)

    async def _scan(self, index: int, target: ImageReference | Image, deadline: float | None) -> _End:
        async with self._slots:
            if (hindrance := self._find_hindrance(target, deadline)) is not None:
                return hindrance
            self._display.begin(index, _name(target))
            try:
                return await self._scan_in_slot(index, target, _time_left(deadline))
            finally:
                self._display.end(index)

    def _find_hindrance(self, target: ImageReference | Image, deadline: float | None) -> UnresolvedImage | None:
        """Return why a scan is not begun any more, None when it is."""
        if self.interrupted:
            return _not_begun(target, "interrupted", "stopped before its turn came")
        left = _time_left(deadline)
        if left is not None and left <= 0:
            return _not_begun(target, "timeout", "the time given with --timeout was up before its turn came")
        return None

    async def _scan_in_slot(self, index: int, target: ImageReference | Image, timeout: float | None) -> _End:
        scan = self._engine.scan(
            target,
            platform=self._order.platform,
            timeout=timeout,
            on_progress=lambda progress: self._display.update(index, progress),
        )
        self._stops.add(scan.stop)
        try:
            return await scan
        except PortusScannersError as error:
            return _not_begun(target, getattr(error, "step", "resolve"), str(error))
        finally:
            self._stops.discard(scan.stop)


def _time_left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - asyncio.get_running_loop().time()


def _name(target: ImageReference | Image) -> str:
    if not isinstance(target, Image):
        return target.text
    return f"{target.reference.text} ({target.platform or 'no platform'})"


def _not_begun(target: ImageReference | Image, step: str, message: str) -> UnresolvedImage:
    if isinstance(target, Image):
        platform = f"{target.platform}: " if target.platform else ""
        return UnresolvedImage(reference=target.reference.text, step=step, message=f"{platform}{message}")
    return UnresolvedImage(reference=target.text, step=step, message=message)
