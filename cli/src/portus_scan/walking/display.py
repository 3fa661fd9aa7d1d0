"""What a user sees of a walk: one line an image, and on a terminal how far it is and how long the rest takes."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from attrs import define, field
from portus_scanners import ImageReport, UnresolvedImage

from ..formats import count, verdict_words
from ..layout import Paragraph
from ..progress import LiveArea
from ..terminal import safe, say, stderr_is_live, write_stdout
from .records import OUTAGE, reference_of

_LONGEST_LINE = 400
SILENCE = 10.0
"""Seconds without a line after which a listing says how far it is, where nothing moves."""
REMEMBERED = 200
"""Images from whose ends the rate is taken: the rate of now, not that of an hour ago."""


def line_of(end: ImageReport | UnresolvedImage) -> str:
    """Return one image's line: ``registry.example/team/app:1.0  vulnerable: 3 vulnerabilities (...)``."""
    if isinstance(end, UnresolvedImage):  # the cause of an outage is the same for many: the summary says it once
        words = "not scanned: no backend is there" if end.step == OUTAGE else f"not scanned: {end.message}"
    elif end.image.artifact is not None:
        words = f"passed over: {end.image.unsupported}"
    else:
        words = verdict_words(end)
    return safe(f"{reference_of(end)}  {words}", _LONGEST_LINE)


class PlainDisplay:
    """Lines on stdout, and nothing that moves; a display that shows more overrides each method.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stdout = sys.stdout  # while scanners run, `print` goes elsewhere
        self._clock = clock
        self._written = clock()

    def start(self) -> None:
        """Begin to show."""

    def show(self, end: ImageReport | UnresolvedImage) -> None:
        """Write an image's line to stdout, and count it."""
        self._written = self._clock()
        write_stdout(f"{line_of(end)}\n", self._stdout)

    def tell(self, total: int, *, complete: bool) -> None:
        """Say how many images there are so far, and whether these are all."""

    def note_away(self, plugins: Iterable[str]) -> None:
        """Say whose backends are waited for now."""

    def note_listing(self, pages: int, most: int, found: int) -> None:
        """Say how far the listing of repositories is: pages read, the last that would be read, images found."""
        if self._clock() - self._written >= SILENCE:
            self._written = self._clock()
            self.say(describe_listing(pages, most, found))

    def say(self, line: str) -> None:
        """Write a line of the program's own to stderr."""
        say(line)

    def stop(self) -> None:
        """Take everything away that does not stay."""

    def abandon(self) -> None:
        """Leave the terminal usable, while other threads may be blocked."""


class LiveWalkDisplay(LiveArea, PlainDisplay):
    """Lines as above, and below them a line that says how far it is.

    Args:
        stream: stderr; it shows the lines of the images too where stdout is the same terminal.
        shared: Whether that is so.
        clock: Monotonic seconds.
    """

    def __init__(self, stream: TextIO, *, shared: bool, clock: Callable[[], float] = time.monotonic) -> None:
        PlainDisplay.__init__(self, clock=clock)
        self._shared = shared
        self._pace = Pace(clock())
        self._done = 0
        self._total = 0
        self._complete = False
        self._listing = "listing repositories and tags"
        self._away: tuple[str, ...] = ()
        super().__init__(stream, self._draw)

    def start(self) -> None:
        """Begin to show."""
        self._pace = Pace(self._clock())
        super().start()

    def show(self, end: ImageReport | UnresolvedImage) -> None:
        """Write an image's line, and count it."""
        self._done += 1
        self._pace.note(self._clock())
        if self._shared:
            self.write(line_of(end))
        else:
            super().show(end)

    def tell(self, total: int, *, complete: bool) -> None:
        """Keep how many images there are so far, for the next picture."""
        self._total, self._complete = total, complete

    def note_away(self, plugins: Iterable[str]) -> None:
        """Keep whose backends are waited for, for the next picture."""
        self._away = tuple(plugins)

    def note_listing(self, pages: int, most: int, found: int) -> None:
        """Keep how far the listing is, for the next picture."""
        self._listing = describe_listing(pages, most, found)

    def words(self) -> str:
        """Return how far it is: ``120 of 1200 images, 3.2 images/s, about 6 min left``."""
        if not self._total:
            return self._listing
        now = self._clock()
        parts = [f"{self._done} of {self._total}{'' if self._complete else ' or more'} images"]
        if rate := self._pace.rate(now):
            parts.append(describe_rate(rate))
        left = self._pace.left(self._total - self._done, now)
        if self._complete and left is not None:
            parts.append(f"about {describe_seconds(left)} left")
        if self._away:
            parts.append(f"waiting for {' and '.join(self._away)}")
        return ", ".join(parts)

    def _draw(self) -> Iterator[Paragraph]:
        yield Paragraph(self.words(), "dim")


def make_walk_display(*, verbose: bool) -> PlainDisplay:
    """Return the display for this command: one that moves only on a terminal that can, and without a log."""
    if verbose or not stderr_is_live():
        return PlainDisplay()
    return LiveWalkDisplay(sys.stderr, shared=sys.stdout is not None and sys.stdout.isatty())


@define
class Pace:
    """The ends of the last images.

    Args:
        begun: When the first image was begun, in seconds of a monotonic clock.
    """

    begun: float
    _ends: deque[float] = field(factory=lambda: deque(maxlen=REMEMBERED), init=False)

    def note(self, now: float) -> None:
        """Count one image that has ended."""
        if len(self._ends) == REMEMBERED:
            self.begun = self._ends[0]
        self._ends.append(now)

    def rate(self, now: float) -> float:
        """Return images a second; 0.0 while none has ended."""
        elapsed = now - self.begun
        return len(self._ends) / elapsed if self._ends and elapsed > 0 else 0.0

    def left(self, remaining: int, now: float) -> float | None:
        """Return the seconds that the remaining images will take; None while no rate is known."""
        rate = self.rate(now)
        return remaining / rate if rate else None


def describe_listing(pages: int, most: int, found: int) -> str:
    """Return how far the listing of a registry is; its bound too, since a registry may name a next page for ever."""
    return f"listing repositories and tags: page {pages} of {most} at most, {count(found, 'image')} so far"


def describe_seconds(seconds: float) -> str:
    """Return a time as people say it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 100:  # noqa: PLR2004
        return f"{whole} s"
    minutes = round(whole / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def describe_rate(rate: float) -> str:
    """Return a rate with its unit: ``3.2 images/s``, ``12 images/min``."""
    return f"{rate:.1f} images/s" if rate >= 1 else f"{rate * 60:.1f} images/min"
