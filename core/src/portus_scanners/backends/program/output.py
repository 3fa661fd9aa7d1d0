"""What a program writes: all of stdout up to a limit, the end of stderr, its lines as they come; and the answer."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

from attrs import field, frozen
from portus_images import one_line

from ..answer import BackendAnswer, SecretMask

STDOUT, STDERR = 1, 2
DEFAULT_MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes of stdout, or of a file, that are accepted."""
KEPT_OF_STDERR = 64 * 1024
"""Bytes of stderr that are kept, the last ones."""
LONGEST_LINE = 4096
"""Bytes of a line that are passed on; the rest of the line is left out."""
_MOST_LOOKED_AT = 8192
_EXCERPT = 300
_MOST_LINES = 3
_LINE_ENDS = re.compile(rb"[\r\n]")  # \r: progress bars
_TERMINAL_CODES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def clean_line(data: bytes) -> str:
    """Return a line of a program's output without anything that a terminal would act on."""
    return one_line(_TERMINAL_CODES.sub("", data.decode(errors="replace")), LONGEST_LINE)


class ProgramOutput:
    """Everything that one run writes, in bounded memory.

    Args:
        max_output: Bytes of stdout that are accepted.
        mask: Masks the secrets that the program was given.
        lines: Whether the lines of stderr are wanted.
    """

    def __init__(self, *, max_output: int, mask: SecretMask, lines: bool) -> None:
        self._max_output = max_output
        self._mask = mask
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._stderr_kept = KEPT_OF_STDERR + mask.longest
        self._lines = LineCutter(LONGEST_LINE + mask.longest) if lines else None
        self._waiting: list[bytes] = []
        self.overflowed = False

    @property
    def stdout(self) -> bytes:
        """All of stdout, unmasked."""
        return bytes(self._stdout)

    @property
    def stderr(self) -> bytes:
        """The last 64 KiB of stderr, masked."""
        return self._mask.tail(bytes(self._stderr[-self._stderr_kept :]), KEPT_OF_STDERR)

    def add(self, descriptor: int, data: bytes) -> None:
        """Take data that came from one of the pipes."""
        if descriptor == STDOUT:
            self._add_to_stdout(data)
            return
        self._stderr += data
        if len(self._stderr) > 2 * self._stderr_kept:  # not on each call: moving bytes costs time
            del self._stderr[: -self._stderr_kept]
        if self._lines is not None:
            self._waiting.extend(self._lines.cut(data))

    def finish(self) -> None:
        """Take the last line, which may have no newline."""
        if self._lines is not None:
            self._waiting.extend(self._lines.cut(b"\n"))

    def take_lines(self) -> Iterator[str]:
        """Yield the lines of stderr that have come since the last call: masked, clean, none empty."""
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            if text := clean_line(self._mask.head(line, LONGEST_LINE)):
                yield text

    def _add_to_stdout(self, data: bytes) -> None:
        if len(self._stdout) + len(data) > self._max_output:
            self.overflowed = True
            self._stdout.clear()
        if not self.overflowed:
            self._stdout += data


class LineCutter:
    """Cuts a stream into lines; of a line that is longer than *limit* bytes the rest is left out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._begun = bytearray()

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that have ended, without their line ends; empty lines are left out."""
        *ended, rest = _LINE_ENDS.split(data)
        for piece in ended:
            self._take(piece)
            if self._begun:
                yield bytes(self._begun)
            self._begun.clear()
        self._take(rest)

    def _take(self, piece: bytes) -> None:
        self._begun += piece[: self._limit - len(self._begun)]


@frozen(kw_only=True)
class ProgramAnswer(BackendAnswer):
    """How a program ended and what it wrote. What the status means is for the scanner to say.

    Attributes:
        status: The exit status; negative: the number of the signal that ended it.
        stdout: All of it, unchanged: a secret in a report is not masked.
        stderr: The last 64 KiB; secrets that the program was given are masked.
    """

    status: int
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)
    _mask: SecretMask = field(factory=SecretMask, repr=False, eq=False)

    @property
    def ending(self) -> str:
        """How it ended, for messages: ``exit status 1`` or ``signal SIGKILL``."""
        if self.status >= 0:
            return f"exit status {self.status}"
        try:
            return f"signal {signal.Signals(-self.status).name}"
        except ValueError:  # a real-time signal
            return f"signal {-self.status}"

    @property
    def excerpt(self) -> str:
        """The last lines that say something, of stderr or else of stdout: 300 characters in one line, masked."""
        return _last_lines(self.stderr[-_MOST_LOOKED_AT:]) or _last_lines(self._mask.tail(self.stdout, _MOST_LOOKED_AT))

    @property
    def _content(self) -> bytes:
        return self.stdout

    @property
    def _what(self) -> str:
        return f"{self.ending}, and stdout"

    @property
    def _not_json(self) -> str:
        text = self._mask.head(self.stdout, _MOST_LOOKED_AT).decode(errors="replace")
        shown = one_line(text) or f"it is empty; {self.excerpt or 'so is stderr'}"
        return f"{self._what} is not JSON: {shown}"


def _last_lines(data: bytes) -> str:
    """Return the last three lines that have a letter or digit, fewer where they are long."""
    lines = [line for line in map(clean_line, data.splitlines()) if any(char.isalnum() for char in line)]
    for count in range(_MOST_LINES, 1, -1):
        excerpt = "; ".join(lines[-count:])
        if len(excerpt) <= _EXCERPT:
            return excerpt
    return one_line("".join(lines[-1:]), _EXCERPT)
