"""What a layer's archive is: as the image's configuration claims it, and as it is.

Trivy keeps what it has read of a layer under the digest of its unpacked archive (``diff_id``), takes that digest from
the image's configuration, and verifies nothing. A configuration that claims the ``diff_id`` of somebody else's layer
would make that layer whatever this image has in its place. So each layer is unpacked here once, before Trivy gets it.

Source: OCI image specification, ``config.md`` (``rootfs.diff_ids``), ``layer.md``.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol

import zstandard
from attrs import frozen
from portus_scanners import Image, ScannerError, UnsupportedImageError
from portus_scanners.backends import one_line

_PIECE = 1024 * 1024
_LARGEST_ARCHIVE = 64 * 1024**3
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_UNREAD = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
_LONGEST_MARK = 6
_LARGEST_ZSTD_WINDOW = 128 * 1024**2
_DIFF_ID = re.compile(r"sha256:[0-9a-f]{64}")


@frozen
class LayerContent:
    """A layer's blob, and the archive that it unpacks to: digests, ``sha256:`` and 64 hex digits."""

    blob: str
    diff_id: str


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class UnpackingStoppedError(Exception):
    """Nobody waits any longer for what a thread does."""


def read_contents(image: Image, config: bytes) -> tuple[LayerContent, ...]:
    """Return what a configuration claims of an image's layers, base first.

    Go reads names of members without regard to case, and takes the last of several: a configuration of which Trivy
    could read other digests than are read here is rejected.

    Raises:
        ScannerError: The configuration is not JSON, is ambiguous, or does not say what each layer is.
    """
    try:
        document = json.loads(config.decode(), object_pairs_hook=tuple)
        diff_ids = _member(_member(document, "rootfs"), "diff_ids")
    except (ValueError, RecursionError) as error:
        raise ScannerError(f"the image's configuration is not valid: {one_line(str(error))}") from error
    if not isinstance(diff_ids, list) or not all(isinstance(one, str) and _DIFF_ID.fullmatch(one) for one in diff_ids):
        raise ScannerError(
            "the image's configuration does not list its layers: $.rootfs.diff_ids is not a list of digests"
        )
    if len(diff_ids) != len(image.layers):
        raise ScannerError(
            f"the image's configuration lists {len(diff_ids)} layers, its manifest {len(image.layers)}: Trivy would "
            "not see all of them"
        )
    return tuple(LayerContent(layer.digest, one) for layer, one in zip(image.layers, diff_ids, strict=True))


def _member(pairs: object, name: str) -> object:
    """Return the value of a member; None if there is none.

    Raises:
        ValueError: There are several, for a reader like Go's.
    """
    if not isinstance(pairs, tuple):
        raise ValueError(f"there is no object with the member {name!r}")  # noqa: TRY004 (of a JSON value)
    values = [value for key, value in pairs if key.casefold() == name]
    if len(values) > 1:
        raise ValueError(f"it has the member {name!r} {len(values)} times")
    return values[0] if values else None


def check_content(path: Path, content: LayerContent, stop: Event) -> None:
    """Unpack a layer, and compare the digest of its archive with the one that the configuration claims. Blocks.

    Args:
        path: The blob: gzip, zstd, or the archive itself.
        content: What is claimed of it; the blob's own digest has been verified.
        stop: Ends this early.

    Raises:
        ScannerError: It is another archive, can't be unpacked, or unpacks to more than 64 GiB.
        UnsupportedImageError: It is compressed in a way that Trivy can't read.
        UnpackingStoppedError: *stop* was set.
    """
    if content.blob == content.diff_id:
        return
    found, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            for piece in _unpacked(file):
                found.update(piece)
                size += len(piece)
                if stop.is_set():
                    raise UnpackingStoppedError
                if size > _LARGEST_ARCHIVE:
                    raise ScannerError(f"the layer {content.blob} unpacks to more than {_LARGEST_ARCHIVE} bytes")
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise ScannerError(f"the layer {content.blob} can't be unpacked: {one_line(str(error))}") from error
    if f"sha256:{found.hexdigest()}" != content.diff_id:
        raise ScannerError(
            f"the layer {content.blob} is not what the image's configuration says: its archive has the digest "
            f"sha256:{found.hexdigest()}, not {content.diff_id}; Docker would not pull such an image"
        )


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    """Yield the archive in a blob, piece by piece; which compression it is, its first bytes say, as for Trivy."""
    head = file.read(_LONGEST_MARK)
    file.seek(0)
    if name := next((name for mark, name in _UNREAD.items() if head.startswith(mark)), None):
        raise UnsupportedImageError(f"a layer is compressed with {name}, which Trivy can't read")
    if head.startswith(_GZIP):
        with gzip.open(file) as archive:
            yield from _pieces(archive)
    elif head.startswith(_ZSTD):
        decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_ZSTD_WINDOW)
        with decompressor.stream_reader(file, read_across_frames=True) as archive:
            yield from _pieces(archive)
    else:
        yield from _pieces(file)


def _pieces(file: _Readable) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
