"""Writes bbolt files (BoltDB, format 2): buckets in buckets, built from the leaves up.

Source: the published layout of the file, ``go.etcd.io/bbolt`` (page header, meta, leaf and branch elements, inline
buckets). No code of bbolt's is in it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar, Union

from attrs import frozen

Bucket = Mapping[str, Union[bytes, "Bucket"]]
ItemT = TypeVar("ItemT")

_PAGE = 4096
_MAGIC = 0xED0CDAED
_VERSION = 2
_BRANCH, _LEAF, _META, _FREELIST = 0x01, 0x02, 0x04, 0x10
_IS_BUCKET = 0x01
_MOST_ELEMENTS = 0xFFF0
_INLINE = _PAGE // 4
"""Bytes up to which a bucket without buckets lies in its parent."""

_PAGE_HEAD = struct.Struct("<QHHI")  # number, flags, count, overflow
_LEAF_HEAD = struct.Struct("<IIII")  # flags, position, size of key, size of value
_BRANCH_HEAD = struct.Struct("<IIQ")  # position, size of key, page
_BUCKET_HEAD = struct.Struct("<QQ")  # root page (0: inline), sequence
_META_BODY = struct.Struct(
    "<IIIIQQQQQ"
)  # magic, version, page size, flags, root, sequence, freelist, pages, transaction


@frozen
class _Item:
    flags: int
    key: bytes
    value: bytes

    @property
    def size(self) -> int:
        return _LEAF_HEAD.size + len(self.key) + len(self.value)


@frozen
class _Child:
    """A page, and its first key."""

    key: bytes
    page: int

    @property
    def size(self) -> int:
        return _BRANCH_HEAD.size + len(self.key)


def write_bolt(path: Path, root: Mapping[str, Bucket]) -> None:
    """Write a file; its uppermost level holds buckets only."""
    with path.open("wb") as out:
        writer = _Writer(out)
        writer.finish(writer.write_items(writer.make_items(root)))


class _Writer:
    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._next = 3  # 0 and 1: meta pages, 2: the list of free pages

    def make_items(self, bucket: Bucket) -> list[_Item]:
        items = [
            _Item(_IS_BUCKET, key.encode(), self._bucket(value))
            if isinstance(value, Mapping)
            else _Item(0, key.encode(), value)
            for key, value in bucket.items()
        ]
        return sorted(items, key=lambda item: item.key)

    def write_items(self, items: Sequence[_Item]) -> int:
        """Write the pages of a bucket and return the number of its root page."""
        children = [
            _Child(chunk[0].key if chunk else b"", self._write(_LEAF, len(chunk), _leaf_body(chunk)))
            for chunk in _chunks(items, lambda item: item.size, least=1)
        ]
        while len(children) > 1:
            children = [
                _Child(chunk[0].key, self._write(_BRANCH, len(chunk), _branch_body(chunk)))
                for chunk in _chunks(children, lambda child: child.size, least=2)
            ]
        return children[0].page

    def finish(self, root: int) -> None:
        """Write the first three pages."""
        self._out.seek(2 * _PAGE)
        self._out.write(_PAGE_HEAD.pack(2, _FREELIST, 0, 0).ljust(_PAGE, b"\0"))
        for number in (0, 1):
            meta = _META_BODY.pack(_MAGIC, _VERSION, _PAGE, 0, root, 0, 2, self._next, number)
            page = _PAGE_HEAD.pack(number, _META, 0, 0) + meta + struct.pack("<Q", _fnv1a(meta))
            self._out.seek(number * _PAGE)
            self._out.write(page.ljust(_PAGE, b"\0"))

    def _bucket(self, bucket: Bucket) -> bytes:
        items = self.make_items(bucket)
        small = _PAGE_HEAD.size + sum(item.size for item in items) <= _INLINE
        if small and not any(item.flags for item in items):
            return _BUCKET_HEAD.pack(0, 0) + _PAGE_HEAD.pack(0, _LEAF, len(items), 0) + _leaf_body(items)
        return _BUCKET_HEAD.pack(self.write_items(items), 0)

    def _write(self, flags: int, count: int, body: bytes) -> int:
        number = self._next
        pages = -(-(_PAGE_HEAD.size + len(body)) // _PAGE)
        self._next += pages
        self._out.seek(number * _PAGE)
        self._out.write((_PAGE_HEAD.pack(number, flags, count, pages - 1) + body).ljust(pages * _PAGE, b"\0"))
        return number


def _leaf_body(items: Sequence[_Item]) -> bytes:
    heads, data = b"", b""
    offset = len(items) * _LEAF_HEAD.size
    for place, item in enumerate(items):
        position = offset + len(data) - place * _LEAF_HEAD.size
        heads += _LEAF_HEAD.pack(item.flags, position, len(item.key), len(item.value))
        data += item.key + item.value
    return heads + data


def _branch_body(children: Sequence[_Child]) -> bytes:
    heads, data = b"", b""
    offset = len(children) * _BRANCH_HEAD.size
    for place, child in enumerate(children):
        heads += _BRANCH_HEAD.pack(offset + len(data) - place * _BRANCH_HEAD.size, len(child.key), child.page)
        data += child.key
    return heads + data


def _chunks(items: Sequence[ItemT], cost: Callable[[ItemT], int], *, least: int) -> Iterator[list[ItemT]]:
    """Give what fits on a page each; one chunk at least."""
    chunk: list[ItemT] = []
    size = _PAGE_HEAD.size
    for item in items:
        if len(chunk) >= least and (size + cost(item) > _PAGE or len(chunk) >= _MOST_ELEMENTS):
            yield chunk
            chunk, size = [], _PAGE_HEAD.size
        chunk.append(item)
        size += cost(item)
    if chunk or not items:
        yield chunk


def _fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
