"""The places where a format may go: stdout, a file, a folder of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath

from attrs import frozen

from ..exits import CommandFault
from ..reporter import ReportFile, Surface
from ..terminal import say, surface_of, surface_of_file, write_stdout
from .files import check_file, check_folder, write_file
from .rendering import FormatFault


@frozen
class Stdout:
    """Where the answer goes when no file is named."""

    name = "stdout"

    @property
    def surface(self) -> Surface:
        """What is known of it."""
        return surface_of(sys.stdout)

    def write(self, pieces: Iterable[str]) -> bool:
        """Write the text as it is made; whether it is there; if not, that has been said on stderr."""
        return write_stdout(pieces)


@frozen
class File:
    """A file that is replaced as a whole, or a pipe or a device."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call it."""
        return repr(str(self.path))

    @classmethod
    def check(cls, name: str) -> File:
        """Return the file of that name, after a look whether it can be written.

        Raises:
            CommandFault: It can't; nothing has been changed.
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
        """What is known of it."""
        return surface_of_file()

    def write(self, pieces: Iterable[str]) -> bool:
        """Write the text; whether it is there; if not, that has been said on stderr."""
        try:
            write_file(self.path, (piece.encode("utf-8", "backslashreplace") for piece in pieces))
        except OSError as error:
            say(f"can't write {self.name}: {_words(error)}")
            return False
        return True


@frozen
class Folder:
    """A folder whose files are replaced one by one; what else is in it stays."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call it."""
        return repr(str(self.path))

    @classmethod
    def check(cls, name: str) -> Folder:
        """Return the folder of that name, after a look whether files can be written there; it need not exist.

        Raises:
            CommandFault: They can't; nothing has been changed.
        """
        try:
            path = Path(os.path.realpath(name))
            check_folder(path)
        except (OSError, ValueError) as error:
            raise CommandFault(f"can't write {name!r}: {_words(error)}; name another folder with -o") from error
        return cls(path)

    @property
    def surface(self) -> Surface:
        """What is known of it."""
        return surface_of_file()

    def write(self, files: Iterable[ReportFile]) -> bool:
        """Write the files in their order; whether all are there; if not, that has been said on stderr.

        Raises:
            FormatFault: The format names a file outside of the folder, or one twice.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for file in _each_once(files):
                self._write(file)
        except OSError as error:
            say(f"can't write {self.name}: {_words(error)}")
            return False
        return True

    def _write(self, file: ReportFile) -> None:
        target = self.path / file.path
        for folder in reversed(target.relative_to(self.path).parents[:-1]):
            if (self.path / folder).is_symlink():
                raise NotADirectoryError(20, f"{folder.as_posix()} is a link; a file may come to lie anywhere")
            (self.path / folder).mkdir(exist_ok=True)
        write_file(target, [file.content])


def _each_once(files: Iterable[ReportFile]) -> Iterator[ReportFile]:
    """Yield the files; a path that leads out of the folder, or comes twice, is the format's fault."""
    seen = set()
    for file in files:
        if not is_inside(file.path):
            raise FormatFault(f"it names the file {file.path!r}, which is no relative path without ..")
        if file.path in seen:
            raise FormatFault(f"it names the file {file.path!r} twice")
        seen.add(file.path)
        yield file


def is_inside(path: str) -> bool:
    """Return whether a path with slashes stays in the folder that it is relative to, on every system."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and not PureWindowsPath(path).drive
    return plain and all(part not in {"", ".", ".."} for part in parts)


def _words(error: OSError | ValueError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
