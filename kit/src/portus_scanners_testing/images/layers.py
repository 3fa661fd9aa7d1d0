"""Layers: compressed tar archives with the files that scanners look for; the same bytes every time."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping
from typing import Literal

from attrs import field, frozen

Compression = Literal["gzip", "none", "bzip2", "xz", "zstd"]

EMPTY_LAYER_DIGEST = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
NEWER_EMPTY_LAYER_DIGEST = "sha256:4f4fb700ef54461cfa02571ae0db9a0dc1e0cdb5577484a6d75e68dc38e8acc1"
_EMPTY_TAR = bytes(1024)
_EMPTY_GZIP = bytes.fromhex("1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000")
_ZSTD_BLOCK = 128 * 1024


def digest_of(data: bytes) -> str:
    """Return ``sha256:`` and the 64 hex digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@frozen(kw_only=True)
class LayerBlob:
    """One layer as a registry stores it."""

    data: bytes = field(repr=False)
    """The blob, compressed."""
    diff_id: str
    """The digest of the archive before compression."""
    compression: Compression = "gzip"
    media_type: str = ""
    """Its media type in the manifest; if empty, it follows from the compression and the form of the manifest."""
    digest: str = field(init=False)
    """The digest of the blob."""

    @digest.default
    def _digest_of_data(self) -> str:
        return digest_of(self.data)

    @property
    def size(self) -> int:
        """The size of the blob in bytes."""
        return len(self.data)

    @property
    def archive(self) -> bytes:
        """The archive before compression.

        Raises:
            KeyError: It is compressed with zstd, which the standard library can't decompress.
        """
        return _DECOMPRESSORS[self.compression](self.data)


def layer(files: Mapping[str, bytes], *, compression: Compression = "gzip", media_type: str = "") -> LayerBlob:
    """Return the layer with these files, in this order; a name may be a whiteout (``etc/.wh.passwd``)."""
    archive = make_tar(files)
    data = _COMPRESSORS[compression](archive)
    return LayerBlob(data=data, diff_id=digest_of(archive), compression=compression, media_type=media_type)


def make_tar(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of plain files: mode 644, owner root, no times."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def empty_layer() -> LayerBlob:
    """Return the empty layer that Docker's old builders put in, known by its digest ``sha256:a3ed95ca...``."""
    return LayerBlob(data=_EMPTY_GZIP, diff_id=digest_of(_EMPTY_TAR))


def newer_empty_layer() -> LayerBlob:
    """Return the empty layer of newer builders, ``sha256:4f4fb700...``: the same without a time."""
    return LayerBlob(data=_EMPTY_GZIP[:4] + bytes(4) + _EMPTY_GZIP[8:], diff_id=digest_of(_EMPTY_TAR))


def filler_layer(name: str = "filler", *, size: int = 64) -> LayerBlob:
    """Return a layer with one file that no scanner reads: ``opt/NAME``, *size* bytes."""
    return layer({f"opt/{name}": _filling(name, size)})


def static_binary_layer(name: str = "app", *, size: int = 256) -> LayerBlob:
    """Return a layer with one program, ``usr/local/bin/NAME``, and no distribution around it."""
    return layer({f"usr/local/bin/{name}": (b"\x7fELF\x02\x01\x01" + _filling(name, size))[:size]})


def _filling(name: str, size: int) -> bytes:
    """Return *size* bytes that depend only on the name, and that hardly compress."""
    blocks = (hashlib.sha256(f"{name} {number}".encode()).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=6, mtime=0)


def _zstd(data: bytes) -> bytes:
    """Return a valid zstd frame of uncompressed blocks (RFC 8878): the standard library has no zstd."""
    blocks = [data[start : start + _ZSTD_BLOCK] for start in range(0, len(data), _ZSTD_BLOCK)] or [b""]
    frame = bytearray(b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little"))
    for number, block in enumerate(blocks, start=1):
        is_last = int(number == len(blocks))
        frame += (is_last | len(block) << 3).to_bytes(3, "little") + block
    return bytes(frame)


_COMPRESSORS: dict[Compression, Callable[[bytes], bytes]] = {
    "gzip": _gzip,
    "none": bytes,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": _zstd,
}

_DECOMPRESSORS: dict[Compression, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "none": bytes,
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
}
