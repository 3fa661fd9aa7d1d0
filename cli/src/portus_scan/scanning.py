"""Several images put to one engine, at most four at a time; what ends early keeps what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from attrs import frozen
from portus_scanners import (
    Engine,
    Image,
    ImageProgress,
    ImageReference,
    ImageReport,
    Outcome,
    Platform,
    ReportDocument,
    ScanEnd,
    Settings,
    UnresolvedImage,
)

from .clock import now
from .exits import ExitCode
from .leaving import GRACE, leave_at_once, run_to_end, stop_on_signals
from .progress import Display
from .terminal import foreign_prints_to_stderr

IMAGES_AT_ONCE = 4
LOOPBACK = "127.0.0.1"
_LEFT_RUNNING = {Outcome.TIMED_OUT, Outcome.PENDING, Outcome.CANCELLED}


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
        self._rows = _Rows(len(order.references), display)
        self._engine = Engine(order.settings, grace=GRACE, serve_address=order.serve_address)
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
        ends = sorted(await self._scan(deadline), key=lambda end: (end.position, end.part))
        results = [end.result for end in ends]
        results += [self._not_begun(reference) for reference in self._order.references[_count_taken(ends) :]]
        return ReportDocument(
            reports=tuple(result for result in results if isinstance(result, ImageReport)),
            errors=tuple(result for result in results if isinstance(result, UnresolvedImage)),
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

    async def _scan(self, deadline: float | None) -> list[ScanEnd]:
        """Scan until everything has ended, the time is up, or an interruption."""
        left = None if deadline is None else deadline - asyncio.get_running_loop().time()
        if self.interrupted or (left is not None and left <= 0):
            return []
        scans = self._engine.scan_many(
            self._order.references,
            concurrency=IMAGES_AT_ONCE,
            platform=self._order.platform,
            all_platforms=self._order.all_platforms,
            total_timeout=left,
            on_progress=self._rows.show,
        )
        self._stops.add(scans.stop)
        async with scans:
            return [self._rows.end(end) async for end in scans]

    def _not_begun(self, reference: ImageReference) -> UnresolvedImage:
        """Say why a reference was not even begun."""
        if self.interrupted:
            step, message = "interrupted", "stopped before its turn came"
        else:
            step, message = "timeout", "the time given with --timeout was up before its turn came"
        return UnresolvedImage(reference=reference.text, step=step, message=message)


class _Rows:
    """The rows of the display: one an image, those of an index where its reference stood, and at the end.

    Args:
        total: How many references there are.
        display: Where the rows are shown.
    """

    def __init__(self, total: int, display: Display) -> None:
        self._display = display
        self._more = count(total)
        self._begun: dict[tuple[int, int], int] = {}
        self._expanded: set[int] = set()

    def show(self, told: ImageProgress) -> None:
        """Show what an image or one of its scanners does."""
        if told.parts > 1 and told.position not in self._expanded:
            self._expanded.add(told.position)
            self._display.expect(told.parts - 1)
        key = told.position, told.part
        if told.progress is None:
            if key not in self._begun:
                self._begun[key] = next(self._more) if told.part else told.position
            self._display.begin(self._begun[key], _name(told.target))
        elif key in self._begun:  # what is told late is of an image that has ended
            self._display.update(self._begun[key], told.progress)

    def end(self, end: ScanEnd) -> ScanEnd:
        """Take the row of an image away, if there is one."""
        if (row := self._begun.pop((end.position, end.part), None)) is not None:
            self._display.end(row)
        return end


def _count_taken(ends: list[ScanEnd]) -> int:
    """Return how many references were begun: every one of them has an end."""
    return ends[-1].position + 1 if ends else 0


def _name(target: str | ImageReference | Image) -> str:
    if isinstance(target, str):
        return target
    if isinstance(target, Image):
        return f"{target.reference.text} ({target.platform or 'no platform'})"
    return target.text
