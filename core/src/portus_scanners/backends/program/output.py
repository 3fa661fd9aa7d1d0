"""What a program writes: all of stdout up to a limit, the end of stderr, and stderr's lines as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portus_images import one_line

from ..masking import SecretMask

STDOUT, STDERR = 1, 2
DEFAULT_MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes of stdout, or of a file, that are accepted."""
KEPT_OF_STDERR = 64 * 1024
"""Bytes of stderr that are kept, the last ones."""
LONGEST_LINE = 4096
"""Bytes of a line that are told; what follows is left out."""
_LINE_ENDS = re.compile(rb"[\r\n]")  # \r: progress bars
_TERMINAL_CODES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def clean_line(data: bytes) -> str:
    """Return one line that a program wrote as a text on which no terminal acts."""
    return one_line(_TERMINAL_CODES.sub("", data.decode(errors="replace")), LONGEST_LINE)


class Output:
    """Everything that one run writes, in bounded memory.

    Args:
        max_output: Bytes of stdout that are accepted.
        mask: Finds the secrets.
        lines: Whether stderr's lines are wanted.
    """

    def __init__(self, *, max_output: int, mask: SecretMask, lines: bool) -> None:
        self._max_output = max_output
        self._mask = mask
        self._stdout = bytearray()
        self._stderr = Tail(KEPT_OF_STDERR + mask.longest)
        self._lines = LineCutter(LONGEST_LINE + mask.longest) if lines else None
        self._waiting: list[bytes] = []
        self.overflowed = False

    @property
    def stdout(self) -> bytes:
        """As it was written."""
        return bytes(self._stdout)

    @property
    def stderr(self) -> bytes:
        """The last 64 KiB, masked."""
        return self._mask.tail(self._stderr.kept, KEPT_OF_STDERR)

    def add(self, descriptor: int, data: bytes) -> None:
        """Take what came from one of the pipes."""
        if descriptor == STDOUT:
            self._add_to_stdout(data)
            return
        self._stderr.add(data)
        if self._lines is not None:
            self._waiting.extend(self._lines.cut(data))

    def finish(self) -> None:
        """Take a last line that has no end."""
        if self._lines is not None:
            self._waiting.extend(self._lines.cut(b"\n"))

    def take_lines(self) -> Iterator[str]:
        """Yield the lines of stderr that have come since the last time: masked, clean, none empty."""
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


class Tail:
    """The last *limit* bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()

    @property
    def kept(self) -> bytes:
        """They."""
        return bytes(self._kept[-self._limit :])

    def add(self, data: bytes) -> None:
        """Take what came, and let go of what is too old."""
        self._kept += data
        if len(self._kept) > 2 * self._limit:  # not each time: moving bytes costs
            del self._kept[: -self._limit]


class LineCutter:
    """Cuts a stream into lines; of a line that is longer than *limit* bytes the rest is left out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._begun = bytearray()

    def cut(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that have ended, without their ends; empty ones are none."""
        *ended, rest = _LINE_ENDS.split(data)
        for piece in ended:
            self._take(piece)
            if self._begun:
                yield bytes(self._begun)
            self._begun.clear()
        self._take(rest)

    def _take(self, piece: bytes) -> None:
        self._begun += piece[: self._limit - len(self._begun)]
