"""gzip, of archives and of layers: a bounded piece at a time. It blocks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from threading import Event

from ..errors import LocalImageError
from .contents import PIECE, Content

LARGEST_UNPACKED = 64 * 1024**3
"""Bytes that an archive or a layer may unpack to."""
_MARK = b"\x1f\x8b\x08"
_WINDOW = 31
"""zlib's word for: gzip, with the largest window."""


def is_gzip(content: Content) -> bool:
    """Tell by its first bytes."""
    return content.read(0, len(_MARK)) == _MARK


def inflate(content: Content, stop: Event) -> Iterator[bytes]:
    """Return the plain bytes, a bounded piece at a time; a gzip file may have several members, and zeros after them.

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
