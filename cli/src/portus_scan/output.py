"""Where the document is written: stdout, or a file that is replaced as a whole."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import IO, TextIO

from attrs import frozen

from .faults import CommandFault
from .screen import Screen
from .terminal import say


@frozen
class Output:
    """A place for one document.

    Args:
        path: The file; None for stdout.
    """

    path: Path | None = None

    @classmethod
    def check(cls, name: str | None) -> Output:
        """Return the place that a user named (None or ``-``: stdout), after a look whether it can be written.

        Raises:
            CommandFault: It can't; nothing has been changed.
        """
        if name is None or name == "-":
            return cls()
        path = Path(name)
        try:
            if not path.exists() or path.is_file():  # a pipe or a device is opened under the name that was given
                path = Path(os.path.realpath(name))  # a link stays, what it points to is replaced
            _check_file(path)
        except OSError as error:
            raise CommandFault(f"can't write {name!r}: {error.strerror}; name another file with --output") from error
        return cls(path)

    @property
    def screen(self) -> Screen:
        """What is known of the place."""
        return Screen() if self.path is not None else Screen.of(sys.stdout)

    def write(self, text: str) -> bool:
        """Write the whole text; a file that can't be written any more goes to stdout, so that nothing is lost.

        Returns:
            Whether the text is where it was wanted; if not, that has been said on stderr.
        """
        if self.path is None:
            return write_stdout(text)
        try:
            _write_file(self.path, text)
        except OSError as error:
            say(f"can't write {str(self.path)!r}: {error.strerror}; the answer is on stdout")
            write_stdout(text)
            return False
        return True


def write_stdout(text: str, stream: TextIO | None = None) -> bool:
    """Write to stdout and flush it; a reader that has gone away is no fault.

    Args:
        text: What to write.
        stream: stdout as it was, where ``print`` goes elsewhere now.

    Returns:
        Whether it could be written; if not, that has been said on stderr.
    """
    stream = stream or sys.stdout
    if stream is None:
        say("stdout is closed; use --output FILE")
        return False
    try:
        stream.buffer.write(text.encode(stream.encoding or "utf-8", "backslashreplace"))
        stream.buffer.flush()
    except BrokenPipeError:
        silence_stdout(stream)
    except OSError as error:
        silence_stdout(stream)
        say(f"can't write to stdout: {error.strerror}; use --output FILE")
        return False
    return True


def silence_stdout(stream: TextIO | None = None) -> None:
    """Let Python's own flush at the end go nowhere: it would print a traceback."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, (stream or sys.stdout).fileno())
        os.close(null)


def _check_file(path: Path) -> None:
    if path.exists() and not path.is_file():
        with path.open("ab"):  # a pipe or a device; a folder raises
            return
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "it is write-protected")
    probe = _beside(path)
    os.close(_create(probe))
    probe.unlink()


def _write_file(path: Path, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    fresh = _beside(path)
    try:
        with os.fdopen(_create(fresh), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, fresh)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _beside(path: Path) -> Path:
    """Return a name in the same folder that nobody else has."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # the umask decides, as for any file


def foreign_prints_to_stderr() -> redirect_stdout[IO[str]]:
    """Return a context in which ``print`` goes to stderr: a chatty plugin must not spoil the document on stdout."""
    return redirect_stdout(sys.stderr)
