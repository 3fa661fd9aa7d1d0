"""What moves on stderr: one row a scanner of each image that is being scanned, drawn again and again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from attrs import field, frozen

from .layout import Paragraph, lay_out
from .scanning import SilentDisplay
from .terminal import PROGRAM, height_of, safe, surface_of

if TYPE_CHECKING:
    from portus_scanners import Progress

    from .reporter import Surface

_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"
_PAUSE = 0.25
"""Seconds between two pictures."""
_LONGEST = 120
_INDENT = 2
_STYLES = {"ok": "green", "waiting": "dim", "retrying": "yellow", "scanning": ""}


class LiveArea:
    """The lowest lines of a terminal, drawn four times a second in a thread, and lines that stay above them.

    Args:
        stream: Where to draw.
        draw: Returns what to draw.
        size: Returns what is known of the terminal, and how many lines it has.
        auto_refresh: False to draw on `refresh` alone.
    """

    def __init__(
        self,
        stream: TextIO,
        draw: Callable[[], Iterable[Paragraph]],
        *,
        size: Callable[[], tuple[Surface, int]] | None = None,
        auto_refresh: bool = True,
    ) -> None:
        self._stream = stream
        self._picture = draw
        self._size = size or (lambda: (surface_of(stream), height_of(stream)))
        self._drawn = 0
        """How many lines are on the screen that go away again; the cursor is below them."""
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, daemon=True) if auto_refresh else None

    def start(self) -> None:
        """Begin to show."""
        self._write(_HIDE_CURSOR)
        if self._thread is not None:
            self._thread.start()

    def refresh(self) -> None:
        """Draw now."""
        self._write("")

    def write(self, line: str) -> None:
        """Write one line above what is drawn."""
        self._write(f"{line}\n")

    def say(self, line: str) -> None:
        """Write one line of the program's own, made safe."""
        self.write(f"{PROGRAM}: {safe(line)}")

    def stop(self) -> None:
        """Take away what is drawn."""
        self._stopped.set()
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join()
        self._write(_SHOW_CURSOR)

    def abandon(self) -> None:
        """Give the cursor back, while other threads may be blocked."""
        with suppress(OSError):
            os.write(2, f"{_SHOW_CURSOR}\n".encode())

    def _keep_drawing(self) -> None:
        while not self._stopped.wait(_PAUSE):
            self.refresh()

    def _write(self, text: str) -> None:
        """Take the last picture away, write the text, and draw anew as long as it is not stopped."""
        with self._lock, suppress(OSError, ValueError):  # the terminal has been closed
            lines = [] if self._stopped.is_set() else self._lines()
            away = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
            self._drawn = len(lines)
            self._stream.write("".join((away, text, *(f"{line}\n" for line in lines))))
            self._stream.flush()

    def _lines(self) -> list[str]:
        """Return the lines of a picture; where the terminal has fewer, the first ones, and a mark for the rest."""
        surface, height = self._size()
        lines = lay_out(self._picture(), surface)
        return lines if len(lines) < height else [*lines[: max(height - 2, 0)], "..."]


@frozen
class _Row:
    """One image: its name and what each of its scanners does."""

    reference: str
    begun: float
    """When it was begun, by the display's clock."""
    states: dict[str, tuple[str, str]] = field(factory=dict)
    """Per scanner: the state, and the words for it."""


class LiveDisplay(LiveArea, SilentDisplay):
    """Shows a table of the images and their scanners.

    Rows are replaced, never changed: they are drawn in another thread.

    Args:
        total: How many images there are.
        stream: Where to draw.
        size: As that of a `LiveArea`.
        auto_refresh: False to draw only when a state changes.
        clock: Returns seconds that only grow.
    """

    shows_progress = True

    def __init__(
        self,
        total: int,
        stream: TextIO,
        *,
        size: Callable[[], tuple[Surface, int]] | None = None,
        auto_refresh: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._total = total
        self._clock = clock
        self._begun = clock()
        self._ended = 0
        self._rows: dict[int, _Row] = {}
        super().__init__(stream, self._draw, size=size, auto_refresh=auto_refresh)

    def expect(self, more: int) -> None:
        """Count *more* images than were known of."""
        self._total += more

    def begin(self, index: int, reference: str) -> None:
        """Show an image, which is being resolved until its scanners are heard of."""
        row = _Row(safe(reference, _LONGEST), self._clock())
        self._replace({**self._rows, index: row}, draw=True)

    def update(self, index: int, progress: Progress) -> None:
        """Show how far one scanner is; a new state is drawn at once."""
        row = self._rows.get(index)
        if row is None:
            return
        before = row.states.get(progress.scanner, ("", ""))
        states = {**row.states, progress.scanner: (progress.state, describe(progress))}
        self._replace({**self._rows, index: _Row(row.reference, row.begun, states)}, draw=before[0] != progress.state)

    def end(self, index: int) -> None:
        """Take an image away."""
        self._ended += 1
        self._replace({key: row for key, row in self._rows.items() if key != index}, draw=True)

    def _replace(self, rows: dict[int, _Row], *, draw: bool) -> None:
        self._rows = rows
        if draw:
            self.refresh()

    def _draw(self) -> Iterator[Paragraph]:
        now = self._clock()
        for _, row in sorted(self._rows.items()):
            yield Paragraph(row.reference)
            yield Paragraph(elapsed_words(now - row.begun), "dim", _INDENT)
            if not row.states:
                yield Paragraph("resolving", "dim", _INDENT)
            for name, (state, words) in row.states.items():
                yield Paragraph(f"{safe(name, _LONGEST)}: {words}", _STYLES.get(state, "red"), _INDENT)
        if self._total > 1:
            words = f"{self._ended} of {self._total} images done, {elapsed_words(now - self._begun)}"
            yield Paragraph(words, "dim")


def elapsed_words(seconds: float) -> str:
    """Return a time as it is shown while it goes on: ``12 s``, ``3 min 5 s``, ``1 h 4 min``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def describe(progress: Progress) -> str:
    """Return the words for what a scanner does: ``waiting``, ``layer 3/30``, ``done``, ``timed out``."""
    if progress.state == "ok":
        return "done"
    if progress.state == "scanning" and (progress.total or progress.what):
        count = f"{progress.done}/{progress.total}" if progress.total else str(progress.done or "")
        return safe(f"{progress.what} {count}".strip(), _LONGEST)
    return safe(progress.state.replace("_", " "), _LONGEST)
