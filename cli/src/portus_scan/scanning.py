"""Several images put to one engine, at most four at a time; what ends early keeps what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import frozen
from portus_scanners import (
    Engine,
    ImageReport,
    Outcome,
    Platform,
    PortusScannersError,
    Reference,
    ReportDocument,
    Settings,
    UnresolvedImage,
)

from .exit_codes import ExitCode
from .leaving import GRACE, leave_at_once, run_to_end, stop_on_signals
from .output import foreign_prints_to_stderr
from .progress import Display

IMAGES_AT_ONCE = 4
_LEFT_RUNNING = {Outcome.TIMED_OUT, Outcome.PENDING, Outcome.CANCELLED}


@frozen(kw_only=True)
class Order:
    """What is to be scanned, and how."""

    references: tuple[Reference, ...]
    settings: Settings
    platform: Platform | None = None
    timeout: float | None = None
    """Seconds for all of it together."""


def run_order(order: Order, display: Display, deliver: Callable[[ReportDocument], ExitCode]) -> ExitCode:
    """Scan, hand the document over, and close everything; the display is stopped before the document is handed over.

    The first Ctrl-C or SIGTERM ends the scans, and what was found is still handed over; the second leaves at once.
    This function does not return when something is left behind that would keep the interpreter from ending.

    Args:
        order: What to scan.
        display: Sees what goes on.
        deliver: Writes the document and returns the exit code for it. Called before the engine is closed: a scanner
            that hangs while it is closed can't take the answer away.

    Returns:
        What *deliver* said; `INTERRUPTED` after a Ctrl-C or SIGTERM.

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
        self._engine = Engine(order.settings, grace=GRACE)
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
        scans = (self._scan(index, reference, deadline) for index, reference in enumerate(self._order.references))
        ends = await asyncio.gather(*scans)
        return ReportDocument(
            reports=tuple(end for end in ends if isinstance(end, ImageReport)),
            errors=tuple(end for end in ends if isinstance(end, UnresolvedImage)),
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

    async def _scan(self, index: int, reference: Reference, deadline: float | None) -> ImageReport | UnresolvedImage:
        async with self._slots:
            if self.interrupted:
                return _not_begun(reference, "interrupted", "stopped before its turn came")
            timeout = None if deadline is None else deadline - asyncio.get_running_loop().time()
            if timeout is not None and timeout <= 0:
                return _not_begun(reference, "timeout", "the time given with --timeout was up before its turn came")
            self._display.begin(index, reference.text)
            try:
                return await self._scan_in_slot(index, reference, timeout)
            finally:
                self._display.end(index)

    async def _scan_in_slot(
        self, index: int, reference: Reference, timeout: float | None
    ) -> ImageReport | UnresolvedImage:
        scan = self._engine.scan(
            reference,
            platform=self._order.platform,
            timeout=timeout,
            on_progress=lambda progress: self._display.update(index, progress),
        )
        self._stops.add(scan.stop)
        try:
            return await scan
        except PortusScannersError as error:
            return _not_begun(reference, getattr(error, "step", "resolve"), str(error))
        finally:
            self._stops.discard(scan.stop)


def _not_begun(reference: Reference, step: str, message: str) -> UnresolvedImage:
    return UnresolvedImage(reference=reference.text, step=step, message=message)
