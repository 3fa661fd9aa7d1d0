"""What Trivy writes to stderr while it works."""

from __future__ import annotations

import re

from portus_scanners import ScannerContext

_LINE = re.compile(r"\S+\s+(?P<level>INFO|WARN|ERROR|FATAL)\s+(?P<text>\S.*)", re.ASCII)
_MOST_WARNINGS = 20
_UNSEEN = re.compile(
    r"is not on the EOL list|invalid version|failed to|unable to|could ?n[o']t|cannot|can't", re.IGNORECASE
)
"""Warnings that say, or may mean, that something was not scanned."""
_LONGEST_FATAL = 20
"""Lines of a fatal error that are kept."""


class ScanLog:
    """Reads the lines as they come: steps are progress, warnings and a fatal error are kept.

    Every line is read: an image can make Trivy warn as often as it likes, and must not hide one warning behind others.

    Args:
        context: Gets the progress.
    """

    def __init__(self, context: ScannerContext) -> None:
        self._context = context
        self._steps = 0
        self._warnings: dict[bool, list[str]] = {True: [], False: []}
        self._fatal: list[str] = []

    def __call__(self, line: str) -> None:
        """Read a line."""
        match = _LINE.fullmatch(line)
        level = match["level"] if match else ""
        text = match["text"] if match else line
        if self._fatal or level == "FATAL":
            self._fatal = [*self._fatal, text][:_LONGEST_FATAL]
        elif level == "WARN":
            kept = self._warnings[is_unseen(text)]
            kept[:] = [*kept, text][:_MOST_WARNINGS]
        elif level == "INFO":
            self._steps += 1
            self._context.progress(self._steps, 0, "step")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings, without their times: the first 20 about what was not scanned, then the first 20 others."""
        return (*self._warnings[True], *self._warnings[False])

    @property
    def fatal(self) -> str:
        """The error that ended the run; empty if there was none."""
        return " ".join(" ".join(self._fatal).split())


def is_unseen(warning: str) -> bool:
    """Return whether a warning says, or may mean, that something was not scanned."""
    return _UNSEEN.search(warning) is not None
