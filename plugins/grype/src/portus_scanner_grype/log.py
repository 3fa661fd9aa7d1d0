"""What Grype writes to stderr while it works: with ``-vvv`` also what it could not look at or compare.

Grype exits with 0 although it could not compare a package with the database, or the database has no data for the
distribution: the log alone says so.

Source: anchore/grype and anchore/syft, calls of ``log.Warn``, ``log.Debug``, ``log.Trace``; Grype 0.121.
"""

from __future__ import annotations

import re

from portus_scanners import ScannerContext

_LINE = re.compile(r"\[\d+\]\s+(?P<level>TRACE|DEBUG|INFO|WARN|ERROR|FATAL|PANIC)\s+(?P<text>\S.*)", re.ASCII)
_CRASH = re.compile(r"panic: |fatal error: |runtime error: ")
"""How Go says, without a level, that a part of a program broke down."""
_NO_DATA = "no OS found in the DB"
"""How Grype says of the packages of a distribution that its database has no such distribution, or no such release."""
_UNSEEN = re.compile(r"cataloger returned errors|unable to fetch contents|recovered from panic|task panic")
"""What is logged for debugging alone, and means that a file was not read, or not all of it."""
_HARMLESS = re.compile(
    "unable to parse CVSS vector|go binary packages were found but none carry|unable to fetch effective CVE metadata"
    "|cataloger returned errors cataloger=go-module-binary-cataloger error=.*: unable to read golang version info: "
)
"""How lines begin that cost no finding: of a program in Go without symbols, say, the modules are listed all the same.
What follows has names of the image's files, which may be any words."""
_MOST = 20


class GrypeLog:
    """Reads the lines as they come: steps are progress, warnings and errors are kept.

    Every line is read: an image can make Grype warn as often as it likes, and must not hide one warning behind others.

    Args:
        context: Gets the progress.
    """

    def __init__(self, context: ScannerContext) -> None:
        self._context = context
        self._steps = 0
        self._unseen: dict[str, None] = {}
        self._errors: list[str] = []
        self.has_no_data = False
        """Whether Grype says that its database does not have the distribution."""

    def __call__(self, line: str) -> None:
        """Read a line."""
        match = _LINE.fullmatch(line)
        level, text = (match["level"], match["text"]) if match else ("", line)
        self.has_no_data |= bool(match) and _NO_DATA in text
        if level == "INFO":
            self._steps += 1
            self._context.progress(self._steps, 0, "step")
        elif level in {"ERROR", "FATAL", "PANIC"} or (not level and (self._errors or _CRASH.match(text))):
            self._errors = [*self._errors, text][-_MOST:]
        elif _means_unseen(level, text) and len(self._unseen) < _MOST:
            self._unseen[text] = None

    @property
    def unseen(self) -> tuple[str, ...]:
        """The first 20 lines that say, or may mean, that not all was scanned; without their times."""
        return (*self._unseen, *filter(None, [self.error]))

    @property
    def error(self) -> str:
        """The last errors; empty if there were none."""
        return " ".join(" ".join(self._errors).split())


def _means_unseen(level: str, text: str) -> bool:
    if _HARMLESS.match(text):
        return False
    return level == "WARN" or (level in {"DEBUG", "TRACE"} and bool(_UNSEEN.search(text)))
