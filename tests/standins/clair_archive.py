"""How Clair v2.0.9 reads a layer: what it takes for an archive, and which files it keeps.

Source: ``pkg/tarutil/tarutil.go`` of Clair v2.0.9, and what was seen on the wire.
"""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zlib
from collections.abc import Sequence
from typing import Protocol

MAX_FILE_SIZE = 200 * 1024 * 1024
"""Bytes of one file that Clair wants to read."""
NOT_EXTRACTED = "tarutil: could not extract the archive"
TOO_BIG = "tarutil: could not extract one or more files from the archive: file too big"
_BLOCK = 512


class ArchiveError(Exception):
    """Clair's 422: the text is its message."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def read_archive(
    data: bytes, wanted: Sequence[str], *, complete: bool = True, max_file_size: int = MAX_FILE_SIZE
) -> dict[str, bytes]:
    """Return the files whose names start with one of *wanted*, a leading ``./`` taken away.

    Args:
        data: The blob. Nothing at all is an archive without files.
        wanted: Starts of names.
        complete: Whether the whole blob was received.
        max_file_size: Bytes.

    Raises:
        ArchiveError: No archive, cut off, or a wanted file is too big.
    """
    archive, whole = _decompress(data)
    if not archive and whole and complete:
        return {}
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as reader:
            for entry in reader:
                name = entry.name.removeprefix("./")
                if name.startswith(tuple(wanted)):
                    files[name] = _content(reader, entry, max_file_size)
            _check_end(archive[reader.offset :], complete=whole and complete)
    except tarfile.TarError as error:
        raise ArchiveError(NOT_EXTRACTED) from error
    return files


def _decompress(data: bytes) -> tuple[bytes, bool]:
    """Return what can be decompressed, and whether the stream was whole; the bytes decide, not the media type."""
    decompressor = _decompressor(data)
    if decompressor is None:
        return data, True
    try:
        return decompressor.decompress(data), decompressor.eof
    except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise ArchiveError(NOT_EXTRACTED) from error


def _decompressor(data: bytes) -> _Decompressor | None:
    if data.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31)
    if data.startswith(b"BZh"):
        return bz2.BZ2Decompressor()
    if data.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor()
    return None


def _content(reader: tarfile.TarFile, entry: tarfile.TarInfo, limit: int) -> bytes:
    if entry.size > limit:
        raise ArchiveError(TOO_BIG)
    file = reader.extractfile(entry) if entry.isreg() else None
    return file.read() if file is not None else b""


def _check_end(rest: bytes, *, complete: bool) -> None:
    """Accept an end marker, or the end of a whole stream; what follows the marker is not looked at."""
    marked = rest[:_BLOCK] == bytes(_BLOCK)
    if not marked and (rest or not complete):
        raise ArchiveError(NOT_EXTRACTED)
