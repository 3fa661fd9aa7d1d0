"""Text on stdout, and foreign ``print`` kept away from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from typing import IO, TextIO

from .terminal import say


def write_stdout(text: str | Iterable[str], stream: TextIO | None = None) -> bool:
    """Write to stdout, piece by piece, and flush it; a reader that has gone away is no fault.

    Args:
        text: What to write.
        stream: stdout as it was, where ``print`` goes elsewhere now.

    Returns:
        Whether it could be written; if not, that has been said on stderr.
    """
    stream = stream or sys.stdout
    if stream is None:
        say("stdout is closed; write to a file: -o FORMAT=FILE")
        return False
    try:
        for piece in (text,) if isinstance(text, str) else text:
            stream.buffer.write(piece.encode(stream.encoding or "utf-8", "backslashreplace"))
        stream.buffer.flush()
    except BrokenPipeError:
        silence_stdout(stream)
    except OSError as error:
        silence_stdout(stream)
        say(f"can't write to stdout: {error.strerror}; write to a file: -o FORMAT=FILE")
        return False
    return True


def silence_stdout(stream: TextIO | None = None) -> None:
    """Let Python's own flush at the end go nowhere: it would print a traceback."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, (stream or sys.stdout).fileno())
        os.close(null)


def foreign_prints_to_stderr() -> redirect_stdout[IO[str]]:
    """Return a context in which ``print`` goes to stderr: a chatty plugin must not spoil the document on stdout."""
    return redirect_stdout(sys.stderr)
