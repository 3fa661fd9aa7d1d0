"""What Trivy writes to stderr while it works."""

from __future__ import annotations

import re

from portus_scanners import ScannerContext

_LINE = re.compile(r"\S+\s+(?P<level>INFO|WARN|ERROR|FATAL)\s+(?P<text>\S.*)", re.ASCII)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OTHER_ERROR = re.compile(
    r"panic: |fatal error: |runtime error: |[^a-z]*\b(?:ERROR|ERR|CRITICAL|PANIC)\b|(?i:error|panic)\b"
    r"|.*\blevel\"?[=:] ?\"?(?i:error|fatal|panic)\b"
)
"""How lines of another form begin that say that something broke down: of Go itself, of a wrapper, in logfmt or JSON."""
NO_RELEASE = "is not on the EOL list"
"""How Trivy's warning about a release that it does not know ends."""
_NOT_CHECKED = "not for vulnerability scanning"
"""How Trivy's warning about types of packages ends that it lists for an SBOM alone."""
_EVERY_TIME = (NO_RELEASE, _NOT_CHECKED, "Unsupported os", "not supported for vulnerability scanning")
"""Parts of warnings that come with each scan of such an image, and not only when a layer is read."""
_MOST_WARNINGS = 20
_UNSEEN = re.compile(
    rf"{NO_RELEASE}|{_NOT_CHECKED}|invalid version|failed to|unable to|could ?n[o']t|cannot|can't|skipp|\bskip\b|ignor"
    r"|unsupported|\berror\b"
    "|not supported|malformed|corrupt|truncated",
    re.IGNORECASE,
)
"""Warnings that say, or may mean, that something was not scanned."""
_LONGEST_FATAL = 20
"""Lines of a fatal error that are kept."""


class ScanLog:
    """Reads the lines as they come: steps are progress, warnings and errors are kept.

    Every line is read: an image can make Trivy warn as often as it likes, and must not hide one warning behind others.

    Args:
        context: Gets the progress.
    """

    def __init__(self, context: ScannerContext) -> None:
        self._context = context
        self._steps = 0
        self._unseen: list[str] = []
        self._warnings: list[str] = []
        self._fatal: list[str] = []
        self.complaints = False
        """Whether a line may mean that a layer was not read whole: it comes when that is read, and never again."""

    def __call__(self, line: str) -> None:
        """Read a line."""
        line = _COLOUR.sub("", line)
        match = _LINE.fullmatch(line)
        level = match["level"] if match else ""
        text = match["text"] if match else line
        if self._fatal or level == "FATAL":
            self._fatal = [*self._fatal, text][:_LONGEST_FATAL]
            self.complaints = True
        elif level == "ERROR" or (level == "WARN" and _UNSEEN.search(text)) or (not level and _OTHER_ERROR.match(text)):
            self._unseen = [*self._unseen, text][:_MOST_WARNINGS]
            self.complaints |= not any(part in text for part in _EVERY_TIME)
        elif level == "WARN":
            self._warnings = [*self._warnings, text][:_MOST_WARNINGS]
        elif level == "INFO":
            self._steps += 1
            self._context.progress(self._steps, 0, "step")

    @property
    def unseen(self) -> tuple[str, ...]:
        """The first 20 lines that say, or may mean, that not all was scanned; without their times."""
        return (*self._unseen, *filter(None, [self.fatal]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The first 20 other warnings."""
        return tuple(self._warnings)

    @property
    def fatal(self) -> str:
        """The error that ended the run; empty if there was none."""
        return " ".join(" ".join(self._fatal).split())
