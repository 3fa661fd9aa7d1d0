"""Local images: opened, resolved, verified, served, closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from attrs import define, evolve, field

from ..blob_file import BlobFile, in_thread
from ..blobs import BlobAccess, BlobHead
from ..errors import LocalImageError, NotInRegistryError
from ..image import Image, Layer, LocalImage, Platform
from ..manifests import Resolved, Resolver, make_image
from ..reference import LocalReference
from ..settings import ServeAddress
from .file_slice import Stamp, stamp_of, why
from .open_store import OpenStore, open_store
from .server import BlobServer

_Key = tuple[str, str, Stamp]


@define
class _Held:
    """A folder or an archive, and how many callers use it now."""

    lock: asyncio.Lock = field(factory=asyncio.Lock)
    users: int = 0
    store: OpenStore | None = None


class LocalImages:
    """Opens folders and archives, each once for all callers that use it at one time.

    Args:
        address: Where layers are served.
    """

    def __init__(self, address: ServeAddress) -> None:
        self._server = BlobServer(address)
        self._held: dict[_Key, _Held] = {}

    async def resolve(self, reference: LocalReference, platform: Platform | None = None) -> Image:
        """Return the image that a reference means now; its layers are not verified.

        Raises:
            LocalImageError: There is no such folder, archive or image, or it can't be read.
            ImageNotFoundError: It has no image for the platform.
        """
        async with self._hold(reference) as store:
            return await _resolve(store, reference, platform)

    async def resolve_all(self, reference: LocalReference) -> tuple[Image, ...]:
        """Return the images of all platforms; what can't be scanned has `Image.unsupported`.

        Raises:
            LocalImageError: There is no such folder, archive or image, or it can't be read.
        """
        async with self._hold(reference) as store:
            found = await store.find(reference.name)
            resolved = await Resolver(store, reference.text).all(found)
            return tuple(_make_image(reference, one) for one in resolved)

    async def open(self, target: LocalReference | Image, platform: Platform | None, closing: AsyncExitStack) -> Image:
        """Resolve and verify an image; until *closing* is closed, its layers can be served.

        Args:
            target: The image.
            platform: Which one of several; the machine's own where None.
            closing: Closes what this opens.

        Raises:
            LocalImageError: The image can't be read, or a layer is not what its digest says.
            ImageNotFoundError: It has no image for the platform.
        """
        reference = target if isinstance(target, LocalReference) else _reference_of(target)
        store = await closing.enter_async_context(self._hold(reference))
        if isinstance(target, LocalReference):
            image = await _resolve(store, target, platform)
        else:
            image = target
            await store.find(reference.name)
        if image.unsupported is None:
            await store.verify(image)
        return image

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """Write a layer to a new file while its image is scanned.

        Raises:
            NotInRegistryError: A foreign layer: it is not here.
            LocalImageError: The image is not being scanned, the layer was changed, or the file can't be written.
        """
        _refuse_foreign(layer)
        store = self._find(image, layer.digest)
        await store.copy(BlobFile(path, layer.digest, layer.size))

    async def blob(self, image: Image, layer: Layer) -> BlobAccess:
        """Return the address at which a layer is served while its image is scanned.

        Raises:
            NotInRegistryError: A foreign layer: it is not here.
            LocalImageError: The image is not being scanned, or nothing can be served at the given address.
        """
        _refuse_foreign(layer)
        return await self._server.publish(self._find(image, layer.digest), layer.digest)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Return status and size of a layer, as our server would give them."""
        try:
            self._find(image, layer.digest)
        except LocalImageError as error:
            return BlobHead(status=0, reason=str(error))
        return BlobHead(status=200, size=layer.size)

    async def fetch(self, image: Image, digest: str, max_size: int) -> bytes:
        """Return a blob or a manifest that lies beside the image, verified.

        Raises:
            LocalImageError: It is not there, or longer than *max_size* bytes.
        """
        async with self._hold(_reference_of(image)) as store:
            await store.find(_reference_of(image).name)
            return await store.fetch(digest, max_size)

    async def aclose(self) -> None:
        """Stop serving layers."""
        await self._server.aclose()

    @asynccontextmanager
    async def _hold(self, reference: LocalReference) -> AsyncIterator[OpenStore]:
        """Open a folder or an archive, or share it with the callers that have it open."""
        key = await in_thread(lambda _: _make_key(reference))
        held = self._held.setdefault(key, _Held())
        held.users += 1
        try:
            yield await _open(held, reference)
        finally:
            held.users -= 1
            if not held.users:
                del self._held[key]
                await self._close(held)

    async def _close(self, held: _Held) -> None:
        if held.store is not None:
            try:
                await self._server.withdraw(held.store)
            finally:
                held.store.close()

    def _find(self, image: Image, digest: str) -> OpenStore:
        """Return the open folder or archive that has verified a blob of an image."""
        where = (image.local.form, image.local.path) if image.local else None
        for (form, path, _), held in self._held.items():
            if (form, path) == where and held.store and held.store.has_verified(digest):
                return held.store
        raise LocalImageError(f"{image.reference}: {digest[:80]} is served only while its image is scanned")


def _refuse_foreign(layer: Layer) -> None:
    if layer.urls:
        raise NotInRegistryError(f"the layer {layer.digest[:80]!r} is a foreign one, which is not in the image")


async def _open(held: _Held, reference: LocalReference) -> OpenStore:
    async with held.lock:
        if held.store is None:
            found = await in_thread(lambda stop: open_store(reference, stop), lambda store: store.close())
            held.store = OpenStore(reference, found)
        return held.store


def _make_key(reference: LocalReference) -> _Key:
    """Return the key of a folder or file, the same for as long as it is unchanged."""
    path = reference.absolute_path
    try:
        return reference.form, str(path), stamp_of(path.stat())
    except (OSError, ValueError) as error:
        raise LocalImageError(f"{reference.form}:{reference.path}: {why(error)}") from error


def _reference_of(image: Image) -> LocalReference:
    """Return the reference of a resolved image, which lies where it lay then."""
    if image.local is None or not isinstance(image.reference, LocalReference):
        raise LocalImageError(f"{image.reference}: it is not a local image")
    return evolve(image.reference, path=image.local.path)


async def _resolve(store: OpenStore, reference: LocalReference, platform: Platform | None) -> Image:
    found = await store.find(reference.name)
    resolved = await Resolver(store, reference.text).one(found, platform)
    return _make_image(reference, resolved)


def _make_image(reference: LocalReference, resolved: Resolved) -> Image:
    local = LocalImage(form=reference.form, path=str(reference.absolute_path), name=reference.name)
    return make_image(reference, resolved, local)
