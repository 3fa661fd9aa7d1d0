"""What Trivy tells on stderr while it works."""

from __future__ import annotations

import re

from portus_scanners import ScannerContext

_LINE = re.compile(r"\S+\s+(?P<level>INFO|WARN|ERROR|FATAL)\s+(?P<text>\S.*)", re.ASCII)
_MOST_WARNINGS = 20
_LONGEST_FATAL = 20
"""Lines."""


class ScanLog:
    """Reads the lines as they come: steps are progress, warnings are kept, and what comes with a fatal error.

    Args:
        context: Is told the progress.
    """

    def __init__(self, context: ScannerContext) -> None:
        self._context = context
        self._steps = 0
        self._warnings: list[str] = []
        self._fatal: list[str] = []

    def __call__(self, line: str) -> None:
        """Read a line."""
        match = _LINE.fullmatch(line)
        level = match["level"] if match else ""
        text = match["text"] if match else line
        if self._fatal or level == "FATAL":
            self._fatal = [*self._fatal, text][:_LONGEST_FATAL]
        elif level == "WARN":
            self._warnings = [*self._warnings, text][:_MOST_WARNINGS]
        elif level == "INFO":
            self._steps += 1
            self._context.progress(self._steps, 0, "step")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The first 20, without their times."""
        return tuple(self._warnings)

    @property
    def fatal(self) -> str:
        """The error that ended it; empty where there was none."""
        return " ".join(" ".join(self._fatal).split())
