"""Private folders and the files in them, which a program may have replaced by anything."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ...errors import InvalidReportError, ScannerError, ScannerUnavailableError

_NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK if os.name == "posix" else 0  # never waits for a FIFO


def make_folder(inner: Iterable[str]) -> Path:
    """Make a temporary folder that only we can use, with these sub-folders, which are relative paths.

    Raises:
        ScannerUnavailableError: The disk is full, or we may not write there.
    """
    made = None
    try:
        made = Path(tempfile.mkdtemp(prefix="portus-scanners-")).resolve()
        for name in inner:
            _make_inner(made, name)
    except OSError as error:
        if made is not None:
            remove_folder(made)
        msg = f"no temporary folder can be made ({error.strerror}): set TMPDIR to a folder with room"
        raise ScannerUnavailableError(msg) from error
    return made


def lasting_folder(path: str) -> Path:
    """Return a folder that stays (its own home does not), for what a program must not download at each scan.

    Raises:
        ScannerUnavailableError: The folder can't be made.
    """
    folder = Path(path).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ScannerUnavailableError(f"nothing can be kept in {folder} ({error.strerror})", retry=False) from error
    return folder


def _make_inner(folder: Path, name: str) -> None:
    """Make a folder, and those above it, in a folder of ours."""
    place = folder
    for part in PurePosixPath(name).parts:
        place /= part
        place.mkdir(mode=0o700, exist_ok=True)


def write_file(folder: Path, name: str, data: bytes) -> Path:
    """Write a file of mode 0600; see `ProgramWorkspace.write`."""
    path = _lexical(folder, name)
    try:
        if not _is_inside(folder, path.parent):
            raise ScannerError(f"{name} can't be written: a symbolic link leads out of the workspace")
        _make_inner(folder, str(PurePosixPath(name).parent))
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWED, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise ScannerError(f"{name} can't be written to the workspace: {error.strerror}") from error
    return path


def read_file(folder: Path, name: str, limit: int) -> bytes:
    """Return a file's content; see `ProgramWorkspace.read`."""
    path = _lexical(folder, name)
    try:
        if not _is_inside(folder, path):
            raise InvalidReportError(f"the program's file {name} is a symbolic link that leads out of the workspace")
        data = _read_regular(path.resolve(), limit + 1)
    except OSError as error:
        raise InvalidReportError(f"the program's file {name} can't be read: {error.strerror}") from error
    if data is None or len(data) > limit:
        msg = f"the program's file {name} is {'not a regular file' if data is None else f'longer than {limit} bytes'}"
        raise InvalidReportError(msg)
    return data


def _read_regular(path: Path, limit: int) -> bytes | None:
    """Return the first bytes of a file; None where it is something else, which reading could hang on."""
    descriptor = os.open(path, os.O_RDONLY | _NOT_FOLLOWED)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def remove_folder(folder: Path) -> str:
    """Remove a folder with everything in it; return why it could not be removed, or an empty string."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        if folder.exists():
            _open_up(folder)
            shutil.rmtree(folder)
    except OSError as error:
        return error.strerror or type(error).__name__
    except RecursionError:
        return "it is too deep"
    return ""


def _open_up(folder: Path) -> None:
    """Make a folder and all folders in it writable for us; symbolic links are not followed."""
    folder.chmod(0o700)
    for place, names, _ in os.walk(folder):
        for name in names:
            inner = Path(place, name)
            if not inner.is_symlink():
                inner.chmod(0o700)


def _lexical(folder: Path, name: str) -> Path:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in name:
        raise ValueError(f"{name!r} is not a valid name of a file in the workspace")
    return folder / pure


def _is_inside(folder: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder)
    except RuntimeError:  # symbolic links that lead to each other
        return False
