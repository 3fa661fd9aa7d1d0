"""The files of an archive, compressed or not, and those of a folder. Opening one blocks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import Protocol

from ..errors import LocalImageError
from .file_slice import LARGEST_UNPACKED, FileSlice, StoppedError, inflate, is_gzip, open_file, opened, whole, why
from .tar import TarFiles

_OTHERS = {b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


class Files(Protocol):
    """Files by their names."""

    def open(self, name: str) -> AbstractContextManager[FileSlice]:
        """Open one for as long as the context lasts."""

    def has(self, name: str) -> bool:
        """Tell whether there is one."""

    def close(self) -> None:
        """Close what is open."""


class ArchiveFiles:
    """An archive. One that is compressed with gzip is unpacked into an unnamed temporary file as a whole.

    Args:
        path: Where it is.
        stop: Ends the unpacking.

    Raises:
        LocalImageError: It can't be read, or is not an archive.
        StoppedError: *stop* was set.
    """

    def __init__(self, path: Path, stop: Event) -> None:
        self._file = open_file(path, "; for a folder write oci:")
        try:
            if _is_compressed(whole(self._file), path):
                unpacked = _unpack(whole(self._file), path, stop)
                self.close()
                self._file = unpacked
            self._files = TarFiles(whole(self._file))
        except (LocalImageError, OSError, StoppedError) as error:
            self.close()
            if isinstance(error, StoppedError):
                raise
            raise LocalImageError(f"{path}: {why(error) if isinstance(error, OSError) else error}") from error

    def open(self, name: str) -> AbstractContextManager[FileSlice]:
        """See `TarFiles.open`."""
        return self._files.open(name)

    def has(self, name: str) -> bool:
        """See `TarFiles.has`."""
        return self._files.has(name)

    def close(self) -> None:
        """Close the file; a temporary one is gone with that."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _is_compressed(content: FileSlice, path: Path) -> bool:
    if name := next((name for mark, name in _OTHERS.items() if content.read(0, 8).startswith(mark)), None):
        raise LocalImageError(f"it is compressed with {name}, only gzip is read: unpack {path.name} first")
    return is_gzip(content)


def _unpack(content: FileSlice, path: Path, stop: Event) -> int:
    """Unpack into a file without a name, which is gone when it is closed, and return its descriptor."""
    with tempfile.TemporaryFile(prefix="portus-scan-") as target:
        limit, size = min(LARGEST_UNPACKED, shutil.disk_usage(tempfile.gettempdir()).free // 2), 0
        for piece in inflate(content, stop):
            size += len(piece)
            if size > limit:
                raise LocalImageError(f"it unpacks to more than {limit} bytes: unpack {path.name} first")
            target.write(piece)
        target.flush()
        return os.dup(target.fileno())


class FolderFiles:
    """A folder with an OCI image layout. Symbolic links that lead out of it are not followed.

    Args:
        path: Where it is.

    Raises:
        LocalImageError: There is no such folder.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._root = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise LocalImageError(f"{path}: {why(error)}") from error
        if not self._root.is_dir():
            raise LocalImageError(f"{path} is not a folder; for a file write oci-archive: or docker-archive:")

    @contextmanager
    def open(self, name: str) -> Iterator[FileSlice]:
        """Open one file for as long as the context lasts.

        Args:
            name: With slashes, from the folder on.

        Raises:
            LocalImageError: There is no such file, or it lies elsewhere.
        """
        path = self._root / name
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise LocalImageError(f"{name}: {why(error)}") from error
        if not real.is_relative_to(self._root):
            raise LocalImageError(f"{name} is a link out of the folder")
        with opened(real) as content:
            yield content

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        try:
            return (self._root / name).is_file()
        except OSError as error:
            raise LocalImageError(f"{self._root}: {why(error)}") from error

    def close(self) -> None:
        """Do nothing: no file stays open."""
