"""Runs of bytes in files that somebody else may change: opened with care, read or unpacked in pieces. All of it blocks.

A backend must get what was verified. So a file is known by what ``fstat`` says of it, and one that was changed since
is not served.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from attrs import field, frozen

from ..errors import LocalImageError

PIECE = 1024 * 1024
"""Bytes that are read at once."""

Stamp = tuple[int, int, int, int]
"""Device, inode, size and time of the last change."""
Identity = tuple[Stamp, int, int]
"""A file's stamp, and which of its bytes."""


class StoppedError(Exception):
    """The caller that waited for a thread was cancelled."""


@frozen(kw_only=True)
class FileSlice:
    """A run of bytes in an open file."""

    file: int
    """File descriptor."""
    offset: int = 0
    size: int
    stamp: Stamp = field(repr=False)

    @property
    def identity(self) -> Identity:
        """What these very bytes are known by, for as long as the file is unchanged."""
        return self.stamp, self.offset, self.size

    def read(self, position: int, length: int = PIECE) -> bytes:
        """Return the bytes from *position* on, *length* of them at most; fewer only at the end.

        Raises:
            OSError: The file can't be read.
        """
        return os.pread(self.file, max(min(length, self.size - position), 0), self.offset + position)

    def pieces(self, stop: Event) -> Iterator[bytes]:
        """Return all of it, piece by piece.

        Raises:
            LocalImageError: The file is shorter than it was.
            OSError: The file can't be read.
            StoppedError: *stop* was set.
        """
        position = 0
        while position < self.size:
            if stop.is_set():
                raise StoppedError
            piece = self.read(position)
            if not piece:
                raise LocalImageError("it became shorter while it was read")
            yield piece
            position += len(piece)

    def read_all(self, limit: int) -> bytes:
        """Return all of it.

        Raises:
            LocalImageError: It is longer than *limit*, or became shorter.
        """
        if self.size > limit:
            raise LocalImageError(f"it is longer than {limit} bytes")
        return b"".join(self.pieces(Event()))


def open_file(path: Path, advice: str = "") -> int:
    """Open a file for reading; anything else is rejected: a pipe would wait forever.

    Args:
        path: The file.
        advice: What to do where it is a folder, as the end of the message.

    Raises:
        LocalImageError: It is not a file, or can't be opened.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise LocalImageError(f"{path}: {why(error)}") from error
    mode = os.fstat(file).st_mode
    if not stat.S_ISREG(mode):
        os.close(file)
        raise LocalImageError(f"{path} is not a file{advice if stat.S_ISDIR(mode) else ''}")
    return file


@contextmanager
def opened(path: Path) -> Iterator[FileSlice]:
    """Open a file for as long as the context lasts.

    Raises:
        LocalImageError: It is not a file, or can't be opened.
    """
    file = open_file(path)
    try:
        yield whole(file)
    finally:
        os.close(file)


def whole(file: int) -> FileSlice:
    """Return the whole content of an open file."""
    found = os.fstat(file)
    return FileSlice(file=file, size=found.st_size, stamp=stamp_of(found))


def stamp_of(found: os.stat_result) -> Stamp:
    """Return what an unchanged file is known by."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def why(error: BaseException) -> str:
    """Return why a file can't be read, without its name."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


LARGEST_UNPACKED = 64 * 1024**3
"""Bytes that an archive or a layer may unpack to."""
_MARK = b"\x1f\x8b\x08"
_WINDOW = 31
"""What zlib takes for gzip with the largest window."""


def is_gzip(content: FileSlice) -> bool:
    """Tell whether content is compressed with gzip, by its first bytes."""
    return content.read(0, len(_MARK)) == _MARK


def inflate(content: FileSlice, stop: Event) -> Iterator[bytes]:
    """Yield the plain bytes, a bounded piece at a time; a gzip file may have several members, and zeros after them.

    Raises:
        LocalImageError: It is damaged or cut, or became shorter.
        StoppedError: *stop* was set.
    """
    inflater, begun = zlib.decompressobj(_WINDOW), False
    try:
        for piece in content.pieces(stop):
            packed = piece
            while packed:
                yield inflater.decompress(packed, PIECE)
                packed, begun = inflater.unconsumed_tail, True
                if inflater.eof:
                    packed = inflater.unused_data.lstrip(b"\0")
                    inflater, begun = zlib.decompressobj(_WINDOW), False
        while begun and (rest := inflater.decompress(b"", PIECE)):
            yield rest
    except zlib.error as error:
        raise LocalImageError("it is damaged: it can't be unpacked") from error
    if begun and not inflater.eof:
        raise LocalImageError("it is cut: it can't be unpacked to its end")
