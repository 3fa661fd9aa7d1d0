"""The streams of the command: foreign strings made harmless, lines on stderr, text and lists on stdout, the log.

Whatever comes from an image, a registry or a backend is hostile: escape sequences that repaint the screen, newlines
that forge a line, bidirectional controls that turn a string around.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout, suppress
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import IO, TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from .reporter import Surface

PROGRAM = "portus-scan"
COMPLETION = "_PORTUS_SCAN_COMPLETE"
"""The environment variable by which a shell asks what a line may go on with."""
NARROWEST = 40
TERMINAL_WIDTH = 80
"""Columns of a terminal that does not say how many it has."""
_TERMINAL_HEIGHT = 24
PIPE_WIDTH = 160
"""Columns where there is no terminal."""

LONGEST_NAME = 300
"""Characters of an identifier, a package, a version, a path, a label."""
LONGEST_MESSAGE = 2_000
"""Characters of an error, a reason, a title."""

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_DUMB = {"dumb", "unknown"}
_LONGEST_NUMBER = 4
_LONGEST_CELL = 1000


def safe(text: str, limit: int | None = None) -> str:
    r"""Return the string with every character that is not printable written as an escape: ``\x1b``, ``\u202e``, ``\n``.

    Controls, newlines, bidirectional and zero-width formatting, lone surrogates, unassigned characters and blanks other
    than the space count as not printable.

    Args:
        text: Any string.
        limit: Characters at most; a longer string ends in an ellipsis.
    """
    if limit is not None:
        text = text[: limit + 1]  # one more than wanted tells that there is more
    if not text.isprintable():
        text = "".join(map(_visible, text))
    if limit is not None and len(text) > limit:
        return text[: limit - 1] + _ELLIPSIS
    return text


def name(text: str) -> str:
    """Return an identifier, a package, a version: one line of `LONGEST_NAME` characters at most."""
    return safe(text, LONGEST_NAME)


def message(text: str) -> str:
    """Return an error or a reason: one line of `LONGEST_MESSAGE` characters at most."""
    return safe(text, LONGEST_MESSAGE)


def safe_rows(rows: Iterable[Iterable[str]], limit: int) -> list[list[str]]:
    """Return the cells of rows made safe, of *limit* characters at most; an empty one is a dash."""
    return [[safe(cell, limit) or "-" for cell in row] for row in rows]


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def say(line: str) -> None:
    """Write one line to stderr, made safe, with the program's name before it."""
    try:
        click.echo(f"{PROGRAM}: {safe(line)}", err=True)
    except (OSError, ValueError):
        return  # stderr has no reader left, or a plugin has closed it; the exit code still says it


def write_stdout(text: str | Iterable[str], stream: TextIO | None = None) -> bool:
    """Write to stdout, piece by piece, and flush it; a reader that has gone away is not a fault.

    Args:
        text: What to write.
        stream: stdout as it was, where ``print`` goes elsewhere now.

    Returns:
        Whether it could be written; if not, a line on stderr has said why.
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


def keep_stdout() -> None:
    """Keep stdout for the answer: what anybody else writes to descriptor 1 from now on goes to stderr.

    Plugins may write to it without Python's knowledge, and so may every program that they start. For the program
    alone: a process that embeds the command keeps its descriptors.
    """
    stream = sys.stdout
    if stream is None:
        return
    try:
        own = os.dup(stream.fileno())  # no child inherits this one
        os.dup2(2, stream.fileno())
    except (OSError, ValueError):  # stderr is closed
        return
    buffer = BufferedWriter(_Stdout(own, "w", closefd=False))
    sys.stdout = TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=stream.isatty())


class _Stdout(FileIO):
    """The descriptor of stdout, which remembers why it could not be written."""

    fault: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, as a file does."""
        try:
            return super().write(data)
        except OSError as error:
            self.fault = error
            raise


def is_fault_of_stdout(error: OSError) -> bool:
    """Return whether this error says that stdout can't be written, and not something else."""
    return error is getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "fault", None)


def foreign_prints_to_stderr() -> redirect_stdout[IO[str]]:
    """Return a context in which ``print`` goes to stderr: a chatty plugin must not spoil the document on stdout."""
    return redirect_stdout(sys.stderr)


def surface_of(stream: IO[str] | None) -> Surface:
    """Return what is known of a stream; ``COLUMNS`` in the environment goes before the stream's own width."""
    from .reporter import Surface

    terminal = stream is not None and stream.isatty()
    wanted = os.environ.get("COLUMNS", "")[:_LONGEST_NUMBER]
    width = int(wanted) if wanted.isdecimal() and int(wanted) else _width_of(stream) if terminal else PIPE_WIDTH
    return Surface(width=max(width, NARROWEST), terminal=terminal, color=_has_color(terminal=terminal))


def surface_of_file() -> Surface:
    """Return what is known of a file."""
    from .reporter import Surface

    return Surface(width=PIPE_WIDTH)


def _has_color(*, terminal: bool) -> bool:
    """``NO_COLOR`` and ``FORCE_COLOR`` count when they are not empty, and the former first; https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and os.environ.get("TERM", "dumb") not in _DUMB)


def height_of(stream: IO[str]) -> int:
    """Return the lines of a stream's terminal."""
    try:
        return os.get_terminal_size(stream.fileno()).lines or _TERMINAL_HEIGHT
    except (OSError, ValueError):
        return _TERMINAL_HEIGHT


def _width_of(stream: IO[str] | None) -> int:
    try:
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or TERMINAL_WIDTH
    except (OSError, ValueError):
        return TERMINAL_WIDTH


def stderr_is_live() -> bool:
    """Return whether stderr is a terminal that can move its cursor."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in _DUMB


def stdout_is_stderr() -> bool:
    """Return whether both streams go to one place: a terminal, the log of a CI job."""
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False


def render_list(headings: Sequence[str], rows: Iterable[Sequence[str]], surface: Surface) -> str:
    """Return the rows under their headings, in aligned columns; cells are made safe, an empty one is a dash.

    On a terminal a row fits its width: cells are folded, but for the first one of each row.
    """
    from .layout import Cell, Grid, lay_out

    head = [Cell(heading, "bold") for heading in headings]
    lines = [
        [Cell(cell, whole=not column) for column, cell in enumerate(row)] for row in safe_rows(rows, _LONGEST_CELL)
    ]
    return "".join(f"{line}\n" for line in lay_out([Grid([head, *lines], indent=0)], surface))


class SafeFormatter(logging.Formatter):
    """Keeps hostile strings in messages and tracebacks from acting on the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the message on one line."""
        return safe(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802
        """Return the traceback, each of its lines made safe."""
        return "\n".join(map(safe, super().formatException(ei).splitlines()))  # type: ignore[arg-type]


def tell_the_log() -> None:
    """Have the log told of what nobody can catch: exceptions in ``__del__``, warnings. Python prints it on stderr."""

    def log(found: sys.UnraisableHookArgs) -> None:
        from portus_images import log_crash  # not before there is something to tell

        log_crash(logging.getLogger("portus_scan"), "an exception was ignored", found.exc_value or Exception())

    logging.captureWarnings(capture=True)
    sys.unraisablehook = log


def set_up_logging(*, verbose: bool) -> None:
    """Send every record to stderr, tracebacks of broken plugins among them; or none at all."""
    root = logging.getLogger()
    if not verbose:
        root.addHandler(logging.NullHandler())  # without any handler Python prints warnings and errors
        return
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in ("portus_images", "portus_scanners"):
        logging.getLogger(name).setLevel(logging.DEBUG)
