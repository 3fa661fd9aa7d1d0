"""The names in a tar archive, and where their bytes are, without unpacking it.

The archive is hostile. Only headers are read; those that could be of any length (long names) are bounded; what is not
a plain file, folder or link is passed over. Python's own reader takes extended headers of any size into memory.

Source: POSIX, ``pax``, "ustar Interchange Format" and "pax Header Block"; GNU tar's ``L`` and ``K``.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from posixpath import dirname, join, normpath

from attrs import evolve, frozen

from ..errors import LocalImageError
from .file_slice import FileSlice

MOST_MEMBERS = 20_000
LONGEST_NAME = 1024
LARGEST_HEADER = 1024 * 1024
"""Bytes of an extended header."""
MOST_LINKS = 8
"""Links that lead to each other."""
_BLOCK = 512
_EXTENDED = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}
_LONG_NAME, _LONG_LINK = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
_RECORD = re.compile(rb"([0-9]{1,7}) ([^=]+)=")
_WITHOUT_DATA = {
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
}
"""Kinds of members whose size means nothing."""
_PASSED_OVER = {tarfile.DIRTYPE, tarfile.XGLTYPE}
_FILES = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}
_SPARSE = b"GNU.sparse."


@frozen(kw_only=True)
class _Member:
    """One file of the archive, or a link to one."""

    offset: int
    size: int
    target: str = ""
    """The name that a link leads to."""
    ambiguous: bool = False
    """Whether there is another member of this name: two programs could take different ones."""
    unreadable: str = ""


@frozen
class _Extension:
    """What the headers before a member say of it."""

    name: str = ""
    target: str = ""
    size: int | None = None
    sparse: bool = False


class TarFiles:
    """The files of a tar archive. Reading the headers blocks.

    Args:
        archive: The whole archive, not compressed; it stays open for as long as this is used.

    Raises:
        LocalImageError: It is not a tar archive, or one with absurd headers.
    """

    def __init__(self, archive: FileSlice) -> None:
        self._archive = archive
        self._members: dict[str, _Member] = {}
        for name, member in _walk(archive):
            before = self._members.get(name)
            self._members[name] = evolve(member, ambiguous=before is not None)
        self._check_folders()

    def _check_folders(self) -> None:
        """Reject files behind a link: unpacked, such a file replaces another one of the archive."""
        links = {name for name, member in self._members.items() if member.target}
        for name in self._members if links else ():
            folder = dirname(name)
            while folder:
                if folder in links:
                    raise LocalImageError(f"{name!r:.200} is behind a link, {folder!r:.200}: it is not clear where")
                folder = dirname(folder)

    @contextmanager
    def open(self, name: str) -> Iterator[FileSlice]:
        """Return the bytes of one file; nothing is unpacked.

        Args:
            name: As the archive has it, links included.

        Raises:
            LocalImageError: It is not in the archive.
        """
        member = self._find(name)
        yield evolve(self._archive, offset=self._archive.offset + member.offset, size=member.size)

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return _clean(name) in self._members

    def _find(self, name: str) -> _Member:
        target = name
        for _ in range(MOST_LINKS):
            member = self._members.get(_clean(target))
            if member is None:
                raise LocalImageError(f"{name!r:.200} is not in the archive")
            if member.ambiguous:
                raise LocalImageError(f"{name!r:.200} is in the archive twice: it is not clear which is meant")
            if member.unreadable:
                raise LocalImageError(f"{name!r:.200} {member.unreadable}")
            if not member.target:
                return member
            target = member.target
        raise LocalImageError(f"{name!r:.200} is a link to a link, and so on")


def _walk(archive: FileSlice) -> Iterator[tuple[str, _Member]]:
    """Yield the name of each file and link, and where it is."""
    position, extension, count = 0, _Extension(), 0
    while (info := _read_header(archive, position)) is not None:
        count += 1
        if count > MOST_MEMBERS:
            raise LocalImageError(f"it has more than {MOST_MEMBERS} members")
        data = position + _BLOCK
        size = info.size if extension.size is None else extension.size
        if info.type in _WITHOUT_DATA:
            size = 0
        if size < 0 or data + size > archive.size:
            raise LocalImageError(f"its member {info.name!r:.200} ends after the archive: it is cut, or a fake")
        if info.type in _EXTENDED or info.type in {_LONG_NAME, _LONG_LINK}:
            extension = _extend(extension, info.type, _read_extended(archive, data, size))
        else:
            if (found := _make_member(info, extension, data, size)) is not None:
                yield found
            extension = _Extension()
        position = data + -(-size // _BLOCK) * _BLOCK


def _read_header(archive: FileSlice, position: int) -> tarfile.TarInfo | None:
    """Return one header, None at the end."""
    block = archive.read(position, _BLOCK)
    if len(block) < _BLOCK or not any(block):
        if position == 0:
            raise LocalImageError("it is not a tar archive")
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise LocalImageError("it is not a tar archive, or one that is damaged") from error
    if info.type == tarfile.GNUTYPE_SPARSE:
        raise LocalImageError("it has a sparse file, which no image's archive has")
    return info


def _read_extended(archive: FileSlice, position: int, size: int) -> bytes:
    if size > LARGEST_HEADER:
        raise LocalImageError(f"it has an extended header of {size} bytes; {LARGEST_HEADER} are the limit")
    return archive.read(position, size)


def _extend(extension: _Extension, kind: bytes, data: bytes) -> _Extension:
    """Return what is known of the next member after one more header."""
    if kind == _LONG_NAME:
        return evolve(extension, name=_text(data.partition(b"\0")[0]))
    if kind == _LONG_LINK:
        return evolve(extension, target=_text(data.partition(b"\0")[0]))
    records = _read_records(data)
    size = records.get(b"size", b"")
    return _Extension(
        name=_text(records.get(b"path", b"")) or extension.name,
        target=_text(records.get(b"linkpath", b"")) or extension.target,
        size=int(size) if size.isdigit() and len(size) < 20 else extension.size,  # noqa: PLR2004 (2**63 has 19 digits)
        sparse=any(key.startswith(_SPARSE) for key in records),
    )


def _read_records(data: bytes) -> dict[bytes, bytes]:
    """Return the records ``LENGTH KEY=VALUE`` of a pax header; what follows them is left out."""
    records: dict[bytes, bytes] = {}
    position = 0
    while match := _RECORD.match(data, position):
        end = position + int(match[1])
        if end <= match.end() or end > len(data):
            raise LocalImageError("it has an extended header that can't be read")
        records[match[2]] = data[match.end() : end - 1]
        position = end
    return records


def _make_member(info: tarfile.TarInfo, extension: _Extension, offset: int, size: int) -> tuple[str, _Member] | None:
    """Return the name of a file or link, and where it is; None for anything else."""
    name = _clean(extension.name or info.name).lstrip("/")  # it is unpacked into a folder: ``/x`` is ``x``
    target = extension.target or info.linkname
    if max(len(name), len(target)) > LONGEST_NAME:
        raise LocalImageError(f"it has a member whose name is longer than {LONGEST_NAME} characters")
    if info.type == tarfile.SYMTYPE:
        return name, _Member(offset=0, size=0, target=join(dirname(name), target))
    if info.type == tarfile.LNKTYPE:
        return name, _Member(offset=0, size=0, target=target)
    if info.type in _PASSED_OVER:
        return None
    if info.type not in _FILES or extension.sparse:
        return name, _Member(offset=0, size=0, unreadable="is neither a plain file nor a link")
    return name, _Member(offset=offset, size=size)


def _clean(name: str) -> str:
    """Return a name in its one form; one that leads out of the archive begins with ``../``, as a target with ``/``."""
    return normpath(name) if name else ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
