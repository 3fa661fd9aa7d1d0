"""Images that a user names, put to one engine, at most four at a time; what ends early keeps what was found."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import ClassVar

from attrs import frozen
from portus_scanners import (
    Engine,
    Image,
    ImageProgress,
    ImageReference,
    Platform,
    Progress,
    ReportDocument,
    ScanEnd,
    Settings,
)
from portus_scanners.engine import make_document

from .exits import ExitCode
from .references import unscanned
from .session import GRACE, Session
from .terminal import say

IMAGES_AT_ONCE = 4
LOOPBACK = "127.0.0.1"


class SilentDisplay:
    """Shows nothing of the images that are scanned; a display that does overrides each method."""

    shows_progress: ClassVar[bool] = False
    """Whether it wants to be told what each scanner does."""

    def start(self) -> None:
        """Begin to show."""

    def expect(self, more: int) -> None:
        """Count *more* images than were known of."""

    def begin(self, index: int, reference: str) -> None:
        """Show an image; *index* is its own, the lower the higher on the screen."""

    def update(self, index: int, progress: Progress) -> None:
        """Show how far one scanner is."""

    def end(self, index: int) -> None:
        """Take an image away."""

    def say(self, line: str) -> None:
        """Write one line that stays."""
        say(line)

    def stop(self) -> None:
        """Take everything away."""

    def abandon(self) -> None:
        """Leave the terminal usable, while other threads may be blocked: no locks."""


@frozen(kw_only=True)
class ScanOrder:
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


def run_scans(order: ScanOrder, display: SilentDisplay, deliver: Callable[[ReportDocument], ExitCode]) -> ExitCode:
    """Scan, hand the document over, and close everything; see `Session.run`.

    Args:
        order: What to scan.
        display: Sees what goes on.
        deliver: Writes the document and returns the exit code for it.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong; nothing was scanned.
    """
    engine = Engine(order.settings, grace=GRACE, serve_address=order.serve_address)
    message = "stopping, what was found is kept; press Ctrl-C again to leave at once"
    session = Session(engine, display, stopping=message)
    return session.run(ImageScans(order, session, display).run, deliver)


class ImageScans:
    """The scans of one command.

    Args:
        order: What to scan.
        session: Has the engine.
        display: Sees what goes on.
    """

    def __init__(self, order: ScanOrder, session: Session, display: SilentDisplay) -> None:
        self._order = order
        self._session = session
        self._rows = _Rows(len(order.references), display) if display.shows_progress else None
        self._ends: list[ScanEnd] = []
        self._deadline = None if order.timeout is None else monotonic() + order.timeout

    async def run(self) -> ReportDocument:
        """Scan all images; reports and errors in the order of the references."""
        if self._session.interrupted:  # perhaps before the engine was open
            return unscanned(self._order.references, "interrupted", "stopped before its turn came")
        left = None if self._deadline is None else max(self._deadline - monotonic(), 0.0)
        scans = self._session.engine.scan_many(
            self._order.references,
            concurrency=IMAGES_AT_ONCE,
            platform=self._order.platform,
            all_platforms=self._order.all_platforms,
            total_timeout=left,
            on_progress=None if self._rows is None else self._rows.show,
        )
        with self._session.stopped_by(scans.stop):
            async with scans:
                async for end in scans:
                    if self._rows is not None:
                        self._rows.end(end)
                    self._ends.append(end)
        return make_document(self._ends)


class _Rows:
    """The rows of the display: one an image, those of an index where its reference stood, and at the end.

    Args:
        total: How many references there are.
        display: Where the rows are shown.
    """

    def __init__(self, total: int, display: SilentDisplay) -> None:
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

    def end(self, end: ScanEnd) -> None:
        """Take the row of an image away, if there is one."""
        if (row := self._begun.pop((end.position, end.part), None)) is not None:
            self._display.end(row)


def _name(target: str | ImageReference | Image) -> str:
    if isinstance(target, str):
        return target
    if isinstance(target, Image):
        return f"{target.reference.text} ({target.platform or 'no platform'})"
    return target.text
