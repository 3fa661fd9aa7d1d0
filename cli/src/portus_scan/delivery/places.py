"""The places where a format may go: stdout, a file, a folder of files.

A file is replaced as a whole: a reader sees the old content or the new one, never a part.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path, PureWindowsPath
from typing import TextIO

from attrs import frozen

from ..exits import CommandFault
from ..reporter import ReportFile, Surface
from ..terminal import say, surface_of, surface_of_file, write_stdout

_LONGEST_HEAD = 50
"""Characters of a file's name that are in that of its replacement, of four bytes at most: a name may have 255."""


class FormatFault(Exception):  # noqa: N818 (as the other faults of the command)
    """A format raised, or gave something that it must not: other than strings or files, a path out of its folder."""


@frozen
class Stdout:
    """The place of the output when no file is named."""

    name = "stdout"

    @property
    def surface(self) -> Surface:
        """What is known of this place."""
        return surface_of(sys.stdout)

    def write(self, pieces: Iterable[str]) -> bool:
        """Write the pieces as they are made, and return whether that worked; a failure has been said on stderr."""
        return write_stdout(pieces)


@frozen
class FilePlace:
    """A file that is replaced as a whole, or a pipe or a device."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call this place."""
        return repr(str(self.path))

    @classmethod
    def check(cls, name: str) -> FilePlace:
        """Return the file of that name if it can be written; nothing is changed.

        Raises:
            CommandFault: The file can't be written.
        """
        path = Path(name)
        try:
            if not path.exists() or path.is_file():  # a pipe or a device is opened under the name that was given
                path = Path(os.path.realpath(name))  # a link stays, what it points to is replaced
            check_file(path)
        except (OSError, ValueError) as error:
            raise CommandFault(f"can't write {name!r}: {_words(error)}; name another file with -o") from error
        return cls(path)

    @property
    def surface(self) -> Surface:
        """What is known of this place."""
        return surface_of_file()

    def write(self, pieces: Iterable[str]) -> bool:
        """Write the pieces, and return whether that worked; a failure has been said on stderr."""
        try:
            write_file(self.path, (piece.encode("utf-8", "backslashreplace") for piece in pieces))
        except OSError as error:
            say(f"can't write {self.name}: {_words(error)}")
            return False
        return True


@frozen
class FolderPlace:
    """A folder whose files are replaced when all are written; what else is in it stays."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call this place."""
        return repr(str(self.path))

    @classmethod
    def check(cls, name: str) -> FolderPlace:
        """Return the folder of that name if files can be written in it; it need not exist, and nothing is changed.

        Raises:
            CommandFault: No file can be written there.
        """
        try:
            path = Path(os.path.realpath(name))
            check_folder(path)
        except (OSError, ValueError) as error:
            raise CommandFault(f"can't write {name!r}: {_words(error)}; name another folder with -o") from error
        return cls(path)

    @property
    def surface(self) -> Surface:
        """What is known of this place."""
        return surface_of_file()

    def write(self, files: Iterable[ReportFile]) -> bool:
        """Write the files, and return whether that worked; a failure has been said on stderr.

        All of them are written beside the old ones before the first is replaced, in their order: a disk that is full
        or a format that fails leaves what was there.

        Raises:
            FormatFault: The format names a file outside the folder, or the same file twice.
        """
        mark = _new_mark()
        try:
            with tempfile.TemporaryFile("w+", encoding="utf-8") as paths:  # of many files, too much to keep in memory
                try:
                    self.path.mkdir(parents=True, exist_ok=True)
                    for file in files:
                        target = self._prepare(file, mark)
                        paths.write(f"{file.path}\n")
                        write_fresh(target, file.pieces(), mark)
                    for target in self._targets(paths):
                        _beside(target, mark).replace(target)
                except BaseException:
                    for target in self._targets(paths):
                        _beside(target, mark).unlink(missing_ok=True)
                    raise
        except OSError as error:
            say(f"can't write {self.name}: {_words(error)}")
            return False
        return True

    def _targets(self, paths: TextIO) -> Iterator[Path]:
        """Yield where each of the files is to be whose paths are lines of a file."""
        paths.seek(0)
        for line in paths:
            yield self.path / line.removesuffix("\n")

    def _prepare(self, file: ReportFile, mark: str) -> Path:
        """Return where a file is to be, its folder made.

        Raises:
            FormatFault: Its path leads out of the folder, or came before.
        """
        if not is_inside(file.path):
            raise FormatFault(f"it names the file {file.path!r}, which is not a relative path without ..")
        target = self.path / file.path
        for folder in reversed(target.relative_to(self.path).parents[:-1]):
            if (self.path / folder).is_symlink():
                raise NotADirectoryError(20, f"{folder.as_posix()} is a link: the file could end up anywhere")
            (self.path / folder).mkdir(exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(21, f"{file.path} is a folder")
        if _beside(target, mark).exists():
            raise FormatFault(f"it names the file {file.path!r} twice")
        return target


def is_inside(path: str) -> bool:
    """Return whether a path with slashes stays inside the folder that it is relative to, on every system."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and not PureWindowsPath(path).drive
    return plain and all(part not in {"", ".", ".."} for part in parts)


def _words(error: OSError | ValueError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def check_file(path: Path) -> None:
    """Check that a file can be written; nothing is changed.

    Raises:
        OSError: The file can't be written.
    """
    if path.exists() and not path.is_file() and not path.is_fifo():
        with path.open("ab"):  # a device; a folder raises
            return
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "it is write-protected")
    if path.is_fifo():
        return  # not opened: its reader would see the end of the file, and without a reader opening would block
    _probe(_beside(path, _new_mark()))


def check_folder(path: Path) -> None:
    """Check that files can be written in a folder, or in its nearest parent that exists; nothing is changed.

    Raises:
        OSError: No file can be written there.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(20, "it is not a folder")
    nearest = next(one for one in (path, *path.parents) if one.exists())
    _probe(_beside(nearest / "probe", _new_mark()))


def write_file(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file from its pieces. On failure the old file is unharmed and nothing is left beside it.

    Raises:
        OSError: The file can't be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            device.writelines(pieces)
        return
    mark = _new_mark()
    write_fresh(path, pieces, mark)
    _beside(path, mark).replace(path)


def write_fresh(path: Path, pieces: Iterable[bytes], mark: str) -> None:
    """Write what is to replace a file beside it; on failure nothing is left.

    Raises:
        OSError: It can't be written.
    """
    fresh = _beside(path, mark)
    try:
        with os.fdopen(_create(fresh), "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, fresh)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _new_mark() -> str:
    """Return what no other process puts into the names of its files."""
    return secrets.token_hex(6)


def _beside(path: Path, mark: str) -> Path:
    """Return the name in the same folder of what is to replace a file."""
    whole = blake2b(os.fsencode(path.name), digest_size=6).hexdigest()
    return path.with_name(f".{path.name[:_LONGEST_HEAD]}.{whole}{mark}.part")


def _probe(path: Path) -> None:
    os.close(_create(path))
    path.unlink()


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # the umask decides, as for any file
