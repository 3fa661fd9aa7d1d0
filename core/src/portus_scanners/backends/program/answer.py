"""What a program answered."""

from __future__ import annotations

import signal

from attrs import field, frozen
from portus_images import one_line

from ..answer import Answer
from ..masking import SecretMask
from .output import clean_line

_MOST_LOOKED_AT = 8192
_EXCERPT = 300
_MOST_LINES = 3


@frozen(kw_only=True)
class ProgramAnswer(Answer):
    """How a program ended and what it wrote. The status is not judged: that is the scanner's part.

    Attributes:
        status: The exit status; negative: the number of the signal that ended it.
        stdout: As it was written: a report is not changed, so a secret that it holds is in it.
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
