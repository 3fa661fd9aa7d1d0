"""What moves on stderr: one row a scanner of each image that is being scanned, drawn again and again."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from attrs import field, frozen

from .scanning import SilentDisplay
from .terminal import PROGRAM, safe

if TYPE_CHECKING:
    from portus_scanners import Progress
    from rich.console import Console, RenderableType
    from rich.table import Table

_SHOW_CURSOR = b"\x1b[?25h\n"
_LONGEST = 120
_STYLES = {"ok": "green", "waiting": "dim", "retrying": "yellow", "scanning": ""}


class LiveArea:
    """The lowest lines of a terminal, drawn four times a second in a thread, and lines that stay above them.

    Args:
        console: Where to draw.
        draw: Returns what to draw.
        auto_refresh: False to draw on `refresh` alone.
    """

    def __init__(self, console: Console, draw: Callable[[], RenderableType], *, auto_refresh: bool = True) -> None:
        from rich.live import Live

        self._console = console
        self._live = Live(
            console=console,
            get_renderable=draw,
            auto_refresh=auto_refresh,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def start(self) -> None:
        """Begin to show."""
        self._live.start()

    def refresh(self) -> None:
        """Draw now."""
        with suppress(OSError):  # the terminal has been closed
            self._live.refresh()

    def write(self, line: str) -> None:
        """Write one line above what is drawn."""
        with suppress(OSError):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Write one line of the program's own, made safe."""
        self.write(f"{PROGRAM}: {safe(line)}")

    def stop(self) -> None:
        """Take away what is drawn."""
        with suppress(OSError):
            self._live.stop()

    def abandon(self) -> None:
        """Give the cursor back, while other threads may be blocked."""
        with suppress(OSError):
            os.write(2, _SHOW_CURSOR)


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
        console: Where to draw.
        auto_refresh: False to draw only when a state changes.
        clock: Returns seconds that only grow.
    """

    shows_progress = True

    def __init__(
        self, total: int, console: Console, *, auto_refresh: bool = True, clock: Callable[[], float] = monotonic
    ) -> None:
        self._total = total
        self._clock = clock
        self._begun = clock()
        self._ended = 0
        self._rows: dict[int, _Row] = {}
        super().__init__(console, self._draw, auto_refresh=auto_refresh)  # it draws once

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

    def _draw(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        now = self._clock()
        for _, row in sorted(self._rows.items()):
            table.add_row(Text(row.reference, overflow="fold"))
            table.add_row(Text(f"  {elapsed_words(now - row.begun)}", style="dim"))
            if not row.states:
                table.add_row(Text("  resolving", style="dim"))
            for name, (state, words) in row.states.items():
                table.add_row(Text(f"  {safe(name, _LONGEST)}: {words}", style=_STYLES.get(state, "red")))
        if self._total > 1:
            words = f"{self._ended} of {self._total} images done, {elapsed_words(now - self._begun)}"
            table.add_row(Text(words, style="dim"))
        return table


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
