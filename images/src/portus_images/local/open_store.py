"""A folder or an archive that is open for as long as an image in it is scanned."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar

from ..blob_file import BlobFile, BlobFileError, in_thread
from ..blobs import find_digest_fault
from ..errors import LocalImageError
from ..image import Image, Layer, Platform
from ..manifests import Descriptor, ImageIndex, ImageManifest, read_platform
from ..reference import DOCKER_ARCHIVE, OCI, LocalReference
from .file_slice import FileSlice, Identity, why
from .files import ArchiveFiles, Files, FolderFiles
from .layout import INDEX, LARGEST_DOCUMENT, MARK, ImageStore, Layout, read_blob
from .saved import LIST, SavedImages

ResultT = TypeVar("ResultT")


class OpenStore:
    """An open folder or archive. Everything that blocks runs in a thread.

    Args:
        reference: Where it is.
        store: The images in it.
    """

    def __init__(self, reference: LocalReference, store: ImageStore) -> None:
        self.secret = secrets.token_urlsafe(24)
        """The beginning of the addresses of its blobs."""
        self._where = f"{reference.form}:{reference.path}"
        self._store = store
        self._verified: dict[str, Identity] = {}

    async def find(self, name: str) -> ImageManifest | ImageIndex:
        """Return the manifest or index that a name stands for.

        Raises:
            LocalImageError: There is no such image, or it can't be read.
        """
        return await in_thread(lambda stop: self._guarded(lambda: self._store.find(name, stop)))

    async def fetch_entry(self, entry: Descriptor) -> ImageManifest | ImageIndex:
        """Return a manifest that an index names.

        Raises:
            LocalImageError: It is not there, or can't be read.
        """
        return await in_thread(lambda _: self._guarded(lambda: self._store.read_manifest(entry)))

    async def fetch_platform(self, digest: str) -> Platform | None:
        """Return the platform that an image's configuration names; see `ManifestSource`."""
        return read_platform(await self.fetch(digest, LARGEST_DOCUMENT))

    async def fetch(self, digest: str, max_size: int) -> bytes:
        """Return a blob of at most *max_size* bytes.

        Raises:
            LocalImageError: It is not there, longer, or not what its digest says.
        """
        return await in_thread(lambda _: self._guarded(lambda: read_blob(self._store, digest, max_size)))

    async def verify(self, image: Image) -> None:
        """Read all layers of an image, and check that they are what their digests say. Foreign ones may be missing.

        Raises:
            LocalImageError: A layer is missing, or its content is another.
        """
        for layer in dict.fromkeys(image.layers):
            if not layer.urls:
                self._verified[layer.digest] = await in_thread(partial(self._verify, layer))

    def has_verified(self, digest: str) -> bool:
        """Tell whether a blob was read and found to be what its digest says."""
        return digest in self._verified

    async def copy(self, file: BlobFile) -> None:
        """Write a verified blob to a file.

        Raises:
            LocalImageError: It was changed since, or the file can't be written.
        """
        with ExitStack() as stack:
            content = await in_thread(lambda _: stack.enter_context(self.open(file.digest)))
            try:
                await file.fill(_pieces(content))
            except BlobFileError as error:
                raise LocalImageError(f"{self._where}: the layer {file.digest}: {error}") from error.__cause__

    @contextmanager
    def open(self, digest: str) -> Iterator[FileSlice]:
        """Open a verified blob for as long as the context lasts. Blocks.

        Raises:
            LocalImageError: It was not verified, or was changed since.
        """
        with ExitStack() as stack:
            content = self._guarded(lambda: stack.enter_context(self._store.open_blob(digest)))
            if self._verified.get(digest) != content.identity:
                raise LocalImageError(f"{self._where}: {digest} was changed while it was scanned")
            yield content

    def close(self) -> None:
        """Close what is open."""
        self._store.close()

    def _verify(self, layer: Layer, stop: Event) -> Identity:
        """Return the identity of a layer's bytes; those that are known already are not read again."""
        known = self._verified.get(layer.digest)
        return self._guarded(lambda: _verify(self._store, layer, known, stop))

    def _guarded(self, work: Callable[[], ResultT]) -> ResultT:
        """Run *work*; its errors name the folder or archive."""
        try:
            return work()
        except LocalImageError as error:
            raise LocalImageError(f"{self._where}: {error}") from error
        except OSError as error:
            raise LocalImageError(f"{self._where}: {why(error)}") from error


def _verify(store: ImageStore, layer: Layer, known: Identity | None, stop: Event) -> Identity:
    if fault := find_digest_fault(layer.digest):
        raise LocalImageError(fault)
    with store.open_blob(layer.digest) as content:
        if layer.size is not None and content.size != layer.size:
            raise LocalImageError(f"the layer {layer.digest} has {content.size} bytes, not {layer.size}")
        if content.identity != known:
            _check_digest(content, layer.digest, stop)
        return content.identity


def _check_digest(content: FileSlice, digest: str, stop: Event) -> None:
    algorithm, _, digits = digest.partition(":")
    found = hashlib.new(algorithm)
    for piece in content.pieces(stop):
        found.update(piece)
    if found.hexdigest() != digits:
        message = f"the content of the layer {digest} has the digest {algorithm}:{found.hexdigest()}"
        raise LocalImageError(f"{message}: it was changed")


async def _pieces(content: FileSlice) -> AsyncIterator[bytes]:
    """Yield the bytes; a file that became shorter gives fewer, which the receiver notices."""
    position = 0
    while piece := await in_thread(partial(_read, content, position)):
        yield piece
        position += len(piece)


def _read(content: FileSlice, position: int, _stop: Event) -> bytes:
    try:
        return content.read(position)
    except OSError as error:
        raise LocalImageError(f"a layer can't be read: {why(error)}") from error


def open_store(reference: LocalReference, stop: Event) -> ImageStore:
    """Open a folder or an archive. Blocks; an archive that is compressed is unpacked first.

    Raises:
        LocalImageError: It can't be read, or does not hold images.
        StoppedError: *stop* was set.
    """
    path = reference.absolute_path
    files = FolderFiles(path) if reference.form == OCI else ArchiveFiles(path, stop)
    try:
        return _find_store(files, reference.form, path)
    except LocalImageError:
        files.close()
        raise


def _find_store(files: Files, form: str, path: Path) -> ImageStore:
    """Return the store for what is in the files."""
    if form == DOCKER_ARCHIVE and not (files.has(MARK) and files.has(INDEX)):
        if files.has(LIST):
            return SavedImages(files)
        raise LocalImageError(f"{path} is not an archive of docker save (since Docker 1.10): it has no {LIST}")
    if files.has(INDEX):
        return Layout(files)
    raise LocalImageError(f"{path} is not an OCI image layout: it has no {INDEX}")
