"""What a folder or an archive with images can do. All of it blocks."""

from __future__ import annotations

from contextlib import AbstractContextManager
from threading import Event
from typing import Protocol

from ..digests import digest_of, find_digest_fault
from ..errors import LocalImageError
from ..registry.manifest import Index, Manifest
from ..registry.wire import Descriptor
from .contents import Content

LARGEST_DOCUMENT = 4 * 1024 * 1024
"""Bytes of a manifest, an index, a configuration."""


class Files(Protocol):
    """Files by their names."""

    def open(self, name: str) -> AbstractContextManager[Content]:
        """Open one for as long as the context lasts."""

    def has(self, name: str) -> bool:
        """Tell whether there is one."""

    def close(self) -> None:
        """Close what is open."""


class Store(Protocol):
    """Images in a folder or an archive. Each method raises `LocalImageError` for what it can't give."""

    def find(self, name: str, stop: Event) -> Manifest | Index:
        """Return what a name stands for; without a name the only image, or the only set of platforms."""

    def read_manifest(self, entry: Descriptor) -> Manifest | Index:
        """Return the manifest that an index names, verified."""

    def open_blob(self, digest: str) -> AbstractContextManager[Content]:
        """Open a blob for as long as the context lasts; it is not verified."""

    def close(self) -> None:
        """Close what is open."""


def read_blob(store: Store, digest: str, limit: int = LARGEST_DOCUMENT) -> bytes:
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
