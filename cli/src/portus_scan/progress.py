"""The live display on stderr: one row a scanner of each image that is being scanned; nothing where nobody watches."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from attrs import field, frozen

from .terminal import PROGRAM, safe, say

if TYPE_CHECKING:
    from portus_scanners import Progress
    from rich.console import Console
    from rich.table import Table

SHOW_CURSOR = b"\x1b[?25h\n"
_LONGEST = 120
_STYLES = {"ok": "green", "waiting": "dim", "retrying": "yellow", "scanning": ""}


class Display(Protocol):
    """Sees what goes on."""

    def start(self) -> None:
        """Begin to show."""

    def expect(self, more: int) -> None:
        """Count so many images more than were known of."""

    def begin(self, index: int, reference: str) -> None:
        """Show an image; *index* is its own, the lower the higher on the screen."""

    def update(self, index: int, progress: Progress) -> None:
        """Show how far one scanner is."""

    def end(self, index: int) -> None:
        """Take an image away."""

    def say(self, line: str) -> None:
        """Write one line that stays."""

    def stop(self) -> None:
        """Take everything away."""

    def abandon(self) -> None:
        """Leave the terminal usable, from inside a signal handler: no locks, no threads."""


class SilentDisplay:
    """Shows nothing."""

    def start(self) -> None:
        """Do nothing."""

    def expect(self, more: int) -> None:
        """Do nothing."""

    def begin(self, index: int, reference: str) -> None:
        """Do nothing."""

    def update(self, index: int, progress: Progress) -> None:
        """Do nothing."""

    def end(self, index: int) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Write one line to stderr."""
        say(line)

    def stop(self) -> None:
        """Do nothing."""

    def abandon(self) -> None:
        """Do nothing."""


@frozen
class _Row:
    """One image: its name and what each of its scanners does."""

    reference: str
    states: dict[str, tuple[str, str]] = field(factory=dict)
    """Per scanner: the state, and the words for it."""


class LiveDisplay:
    """Shows a table that is drawn again and again.

    Rows are replaced, never changed: the table is drawn in a thread of its own, four times a second.

    Args:
        total: How many images there are.
        console: Where to draw.
        auto_refresh: False to draw only when a state changes.
    """

    def __init__(self, total: int, console: Console, *, auto_refresh: bool = True) -> None:
        from rich.live import Live

        self._total = total
        self._ended = 0
        self._rows: dict[int, _Row] = {}
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            auto_refresh=auto_refresh,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def start(self) -> None:
        """Begin to show."""
        self._live.start()

    def expect(self, more: int) -> None:
        """Count so many images more."""
        self._total += more

    def begin(self, index: int, reference: str) -> None:
        """Show an image, which is being resolved until its scanners are heard of."""
        row = _Row(safe(reference, _LONGEST))
        self._replace({**self._rows, index: row}, draw=True)

    def update(self, index: int, progress: Progress) -> None:
        """Show how far one scanner is; a new state is drawn at once."""
        row = self._rows.get(index)
        if row is None:
            return
        before = row.states.get(progress.scanner, ("", ""))
        states = {**row.states, progress.scanner: (progress.state, describe(progress))}
        self._replace({**self._rows, index: _Row(row.reference, states)}, draw=before[0] != progress.state)

    def end(self, index: int) -> None:
        """Take an image away."""
        self._ended += 1
        self._replace({key: row for key, row in self._rows.items() if key != index}, draw=True)

    def say(self, line: str) -> None:
        """Write one line above the table."""
        with suppress(OSError):  # the terminal has been closed
            self._live.console.print(f"{PROGRAM}: {safe(line)}", markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """Take the table away."""
        with suppress(OSError):
            self._live.stop()

    def abandon(self) -> None:
        """Give the cursor back."""
        with suppress(OSError):
            os.write(2, SHOW_CURSOR)

    def _replace(self, rows: dict[int, _Row], *, draw: bool) -> None:
        self._rows = rows
        if draw:
            with suppress(OSError):
                self._live.refresh()

    def _draw(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for _, row in sorted(self._rows.items()):
            table.add_row(Text(row.reference, overflow="ellipsis", no_wrap=True))
            if not row.states:
                table.add_row(Text("  resolving", style="dim"))
            for name, (state, words) in row.states.items():
                table.add_row(Text(f"  {safe(name, _LONGEST)}: {words}", style=_STYLES.get(state, "red")))
        if self._total > 1:
            table.add_row(Text(f"{self._ended} of {self._total} images done", style="dim"))
        return table


def describe(progress: Progress) -> str:
    """Return the words for what a scanner does: ``waiting``, ``layer 3/30``, ``done``, ``timed out``."""
    if progress.state == "ok":
        return "done"
    if progress.state == "scanning" and (progress.total or progress.what):
        count = f"{progress.done}/{progress.total}" if progress.total else str(progress.done or "")
        return safe(f"{progress.what} {count}".strip(), _LONGEST)
    return safe(progress.state.replace("_", " "), _LONGEST)


def make_display(total: int, *, verbose: bool, watch: Callable[[], bool] | None = None) -> Display:
    """Return the display for this command: live only on a terminal that can move its cursor, and without a log.

    Args:
        total: How many images there are.
        verbose: Whether the log goes to stderr too.
        watch: Whether stderr is such a terminal.
    """
    if verbose or not (watch or stderr_is_live)():
        return SilentDisplay()
    from rich.console import Console

    return LiveDisplay(total, Console(stderr=True, force_terminal=True, highlight=False))


def stderr_is_live() -> bool:
    """Return whether stderr is a terminal that can move its cursor."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown"}
