"""The command line of a program: where the program is, and arguments that may be seen by everybody."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from portus_images import one_line

from ...errors import ScannerError, ScannerUnavailableError

__all__ = ["check_arguments", "find_program", "start_error"]

_FOR_NOW = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})


def find_program(program: str) -> str:
    """Return the absolute path of a program, looked up now.

    Raises:
        ScannerUnavailableError: There is none, or it may not be executed.
    """
    found = shutil.which(program)
    if found is None:
        msg = f"the program {_shown(program)} was not found, or may not be executed: {_advice(program)}"
        raise ScannerUnavailableError(msg, retry=False)
    return str(Path(found).absolute())  # the program runs in another folder


def start_error(program: str, error: OSError) -> ScannerError:
    """Return what an error of the system at a program's start means for the scan."""
    reason = os.strerror(error.errno or 0)
    if error.errno == errno.E2BIG:
        return ScannerError(f"the arguments for {_shown(program)} are too long")
    if error.errno in _FOR_NOW:
        return ScannerUnavailableError(f"the program {_shown(program)} could not be started: {reason}")
    msg = f"the program {_shown(program)} can't be started ({reason}): {_advice(program)}"
    return ScannerUnavailableError(msg, retry=False)


def check_arguments(program: str, arguments: Iterable[object], secrets: Collection[str]) -> list[str]:
    """Return the arguments as texts.

    Args:
        program: For messages.
        arguments: Texts and paths.
        secrets: Texts that no argument may contain: every user of the machine sees the arguments.

    Raises:
        TypeError: An argument is a `Secret`, or neither a text nor a path.
        ScannerError: An argument that can't be passed, or that contains a secret; it is not shown.
    """
    return [
        _checked(f"argument {place} for {_shown(program)}", each, secrets) for place, each in enumerate(arguments, 1)
    ]


def _checked(name: str, argument: object, secrets: Collection[str]) -> str:
    if not isinstance(argument, (str, Path)):
        msg = (
            f"{name} must be a text or a path, got {type(argument).__name__}; secrets go into the environment or a file"
        )
        raise TypeError(msg)
    text = str(argument)
    if "\0" in text:
        msg = f"{name} contains a NUL character"
        raise ScannerError(msg)
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        msg = f"{name} contains a character that can't be passed to a program"
        raise ScannerError(msg) from error
    if any(secret in text for secret in secrets):
        msg = f"{name} contains a secret, and arguments can be seen by everybody: give it in the environment or a file"
        raise ScannerError(msg)
    return text


def _shown(program: str) -> str:
    return one_line(program) or "''"


def _advice(program: str) -> str:
    return f"install {_shown(Path(program).name)}, or say where it is with program: in the configuration"
