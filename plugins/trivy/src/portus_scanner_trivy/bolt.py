"""Which buckets a bbolt file has at its top: those of Trivy's database are the platforms that it has advisories for.

A few pages are read, however large the file is. All of it is hostile: sizes and positions are checked, loops end.

Source: the layout of the file, ``go.etcd.io/bbolt``: page header, meta, leaf and branch elements.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAGIC, _VERSION = 0xED0CDAED, 2
_BRANCH, _LEAF = 0x01, 0x02
_IS_BUCKET = 0x01
_PAGE_HEAD = struct.Struct("<QHHI")
"""Number, flags, number of elements, pages that follow and belong to it."""
_META = struct.Struct("<IIIIQQQQQ")
"""Magic, version, size of a page, flags, page of the root, sequence, page of the free list, pages, transaction."""
_BRANCH_ELEMENT = struct.Struct("<IIQ")
"""Position of the key, its size, page."""
_LEAF_ELEMENT = struct.Struct("<IIII")
"""Flags, position of the key, its size, size of the value."""
_PAGE_SIZES = (4096, 16384, 65536, 1024, 2048, 8192, 32768)
_MOST_PAGES = 1000
_LAST_PAGE = 2**40
_LARGEST_PAGE = 1024 * 1024
"""Bytes of a page with those that follow: names of buckets fill a few KiB."""


class NotBoltError(ValueError):
    """A file that is not bbolt's, or is not whole."""


def read_buckets(path: Path) -> frozenset[str]:
    """Return the names of the uppermost buckets. Blocks.

    Raises:
        OSError: The file can't be read.
        NotBoltError: It is not of the known form.
    """
    with path.open("rb") as file:
        try:
            size, root = _find_root(file)
            return frozenset(name.decode(errors="replace") for name in _names(file, size, root))
        except struct.error as error:
            raise NotBoltError("it ends too early") from error


def _find_root(file: BinaryIO) -> tuple[int, int]:
    """Return the size of a page, and the root's page as the last transaction has left it: one of two metas says it."""
    metas = [
        meta for size in _PAGE_SIZES for place in (0, size) if (meta := _read_meta(file, place)) and meta[1] == size
    ]
    if not metas:
        raise NotBoltError("it has no header of bbolt")
    _, size, root = max(metas)
    return size, root


def _read_meta(file: BinaryIO, place: int) -> tuple[int, int, int] | None:
    """Return transaction, size of a page and root's page; None where there is no meta."""
    file.seek(place + _PAGE_HEAD.size)
    content = file.read(_META.size)
    if len(content) < _META.size:
        return None
    magic, version, size, _, root, _, _, _, transaction = _META.unpack(content)
    return (transaction, size, root) if (magic, version) == (_MAGIC, _VERSION) else None


def _names(file: BinaryIO, size: int, root: int) -> Iterator[bytes]:
    waiting, seen = [root], set[int]()
    while waiting:
        number = waiting.pop()
        if number in seen or len(seen) == _MOST_PAGES:
            raise NotBoltError("its pages form a loop, or are too many")
        seen.add(number)
        page, flags, count = _read_page(file, size, number)
        if flags & _BRANCH:
            waiting += [_BRANCH_ELEMENT.unpack_from(page, place)[2] for place in _places(_BRANCH_ELEMENT, count)]
        elif flags & _LEAF:
            for place in _places(_LEAF_ELEMENT, count):
                kind, position, length, _ = _LEAF_ELEMENT.unpack_from(page, place)
                if kind & _IS_BUCKET:
                    yield page[place + position : place + position + length]
        else:
            raise NotBoltError("a page is of an unknown kind")


def _places(element: struct.Struct, count: int) -> range:
    return range(_PAGE_HEAD.size, _PAGE_HEAD.size + count * element.size, element.size)


def _read_page(file: BinaryIO, size: int, number: int) -> tuple[bytes, int, int]:
    if number > _LAST_PAGE:
        raise NotBoltError("a page is further on than any file goes")
    file.seek(number * size)
    _, flags, count, more = _PAGE_HEAD.unpack(file.read(_PAGE_HEAD.size))
    if (more + 1) * size > _LARGEST_PAGE:
        raise NotBoltError("a page is too large")
    file.seek(number * size)
    return file.read((more + 1) * size), flags, count
