"""What images there are in a folder or an archive with an OCI image layout: ``index.json``, and blobs by their digest.

Docker writes one into its archives since version 25, with its own names for the images in annotations.

Sources: OCI image specification, ``image-layout.md``, ``annotations.md``; containerd, ``images/annotations.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from threading import Event
from typing import Protocol, TypeVar

from ..blobs import digest_of, find_digest_fault
from ..errors import InvalidReferenceError, LocalImageError
from ..manifests import (
    OCI_INDEX,
    Descriptor,
    ImageIndex,
    ImageManifest,
    MalformedError,
    WireIndex,
    make_index,
    make_platform,
    normalize_platform,
    parse_object,
    read_manifest,
    structure,
)
from ..reference import Reference
from ..text import one_line
from .file_slice import FileSlice
from .files import Files

LARGEST_DOCUMENT = 4 * 1024 * 1024
"""Bytes of a manifest, an index, a configuration."""
INDEX = "index.json"
MARK = "oci-layout"
_TAG = "org.opencontainers.image.ref.name"
_DOCKER_NAME = "io.containerd.image.name"
_MOST_NAMED = 20
_LONGEST_LIST = 1000
_LONGEST_NUMBER = 5

ItemT = TypeVar("ItemT")


class ImageStore(Protocol):
    """Images in a folder or an archive. Each method raises `LocalImageError` for what it can't give; all block."""

    def find(self, name: str, stop: Event) -> ImageManifest | ImageIndex:
        """Return the manifest or index of a name; without a name the only image, or the only set of platforms."""

    def read_manifest(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        """Return the manifest that an index names, verified."""

    def open_blob(self, digest: str) -> AbstractContextManager[FileSlice]:
        """Open a blob for as long as the context lasts; it is not verified."""

    def close(self) -> None:
        """Close what is open."""


class Layout:
    """Images in an OCI layout.

    Args:
        files: The layout's files.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    def find(self, name: str, stop: Event) -> ImageManifest | ImageIndex:
        """See `ImageStore.find`: a name is a tag, or Docker's name of the image, or ``@0``, ``@1``."""
        with self._files.open(INDEX) as content:
            body = content.read_all(LARGEST_DOCUMENT)
        try:
            wire = structure(parse_object(body), WireIndex)
        except MalformedError as error:
            raise LocalImageError(f"{INDEX}: {error}") from error
        entries = _each_once(choose(wire.manifests, name))
        if len(entries) == 1:
            return self.read_manifest(entries[0])
        _check_platforms(wire.manifests, entries)
        return make_index(entries, digest=digest_of(body), media_type=OCI_INDEX)

    def read_manifest(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        """See `ImageStore.read_manifest`."""
        body = read_blob(self, entry.digest)
        try:
            return read_manifest(body, entry.mediaType, entry.digest)
        except MalformedError as error:
            raise LocalImageError(f"the manifest {entry.digest}: {error}") from error

    def open_blob(self, digest: str) -> AbstractContextManager[FileSlice]:
        """See `ImageStore.open_blob`."""
        algorithm, _, digits = digest.partition(":")
        return self._files.open(f"blobs/{algorithm}/{digits}")

    def close(self) -> None:
        """See `ImageStore.close`."""
        self._files.close()


def choose(entries: tuple[Descriptor, ...], name: str) -> tuple[Descriptor, ...]:
    """Return the entries of a name; of all names where there is but one, or none.

    Raises:
        LocalImageError: No entry has the name, or there are several names and none was given.
    """
    if name.startswith("@"):
        return pick(entries, name)
    if name:
        chosen = tuple(entry for entry in entries if _is_called(entry, name))
        if not chosen:
            raise LocalImageError(f"it has no image {name!r:.200}; {say_names(map(_name_of, entries))}")
        return chosen
    names = {_name_of(entry) for entry in entries if _name_of(entry)}
    if not entries:
        raise LocalImageError("there is no image in it")
    if len(names) > 1 and len({entry.digest for entry in entries}) > 1:
        raise LocalImageError(f"it has several images; name one of them: {say_names(map(_name_of, entries))}")
    return entries


def pick(items: tuple[ItemT, ...], name: str) -> tuple[ItemT, ...]:
    """Return the item that ``@0``, ``@1`` stands for.

    Raises:
        LocalImageError: There is no such item.
    """
    digits = name.removeprefix("@")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < _LONGEST_NUMBER else len(items)
    if number >= len(items):
        raise LocalImageError(f"it has no image {name!r:.200}, only {len(items)} of them, counted from @0")
    return items[number : number + 1]


def say_names(names: Iterable[str]) -> str:
    """Return the names of the images for a message; an image without a name is called by its number."""
    called = [name or f"@{number}" for number, name in enumerate(names)]
    more = f" and {len(called) - _MOST_NAMED} more" if len(called) > _MOST_NAMED else ""
    return "there are: " + one_line(", ".join(called[:_MOST_NAMED]), _LONGEST_LIST) + more


def same_name(one: str, other: str) -> bool:
    """Tell whether two names mean the same image to Docker: ``alpine`` and ``docker.io/library/alpine:latest``."""
    try:
        return Reference.parse(one) == Reference.parse(other)
    except InvalidReferenceError:
        return one == other


def _is_called(entry: Descriptor, name: str) -> bool:
    tag, docker_name = entry.annotations.get(_TAG, ""), entry.annotations.get(_DOCKER_NAME, "")
    return name in {tag, docker_name} or (bool(docker_name) and same_name(name, docker_name))


def _name_of(entry: Descriptor) -> str:
    return entry.annotations.get(_DOCKER_NAME) or entry.annotations.get(_TAG) or ""


def _each_once(entries: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
    return tuple({entry.digest: entry for entry in reversed(entries)}.values())[::-1]


def _check_platforms(everything: tuple[Descriptor, ...], entries: tuple[Descriptor, ...]) -> None:
    """Check that a platform is enough to choose one of several entries; which of two is meant is not guessed.

    Raises:
        LocalImageError: Two are for one platform, or name none.
    """
    index = make_index(entries, digest="", media_type=OCI_INDEX)
    platforms = [
        platform and normalize_platform(platform) for platform in (make_platform(one.platform) for one in index.entries)
    ]
    if len(set(platforms)) == len(platforms):
        return
    numbers = (f"@{number} {_name_of(entry)}".strip() for number, entry in enumerate(everything) if entry in entries)
    raise LocalImageError(f"it has several images for one platform; name one by its number: {say_names(numbers)}")


def read_blob(store: ImageStore, digest: str, limit: int = LARGEST_DOCUMENT) -> bytes:
    """Return a blob, verified.

    Raises:
        LocalImageError: It is not there, longer than *limit*, or not what its digest says.
    """
    if fault := find_digest_fault(digest):
        raise LocalImageError(fault)
    with store.open_blob(digest) as content:
        body = content.read_all(limit)
    if (found := digest_of(body, like=digest)) != digest:
        raise LocalImageError(f"the content of {digest} has the digest {found}: it was changed")
    return body
