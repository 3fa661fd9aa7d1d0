"""One door to images in registries, folders and archives: each question goes to where its image is."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .blobs import BlobAccess, BlobHead, Referrer
from .image import Image, Layer, Platform
from .reference import ImageReference, LocalReference
from .registry import Registry
from .settings import LOOPBACK, ServeAddress

if TYPE_CHECKING:
    from .local import LocalImages


class Images:
    """Resolves references, and gives what a scanner needs of an image. What local images need is loaded with the first.

    Args:
        registry: For images in registries; its owner closes it.
        address: Where the layers of local images are served.
    """

    def __init__(self, registry: Registry, address: ServeAddress | None = None) -> None:
        self._registry = registry
        self._address = address or ServeAddress(LOOPBACK)
        self._made: LocalImages | None = None

    @property
    def _local(self) -> LocalImages:
        if self._made is None:
            from .local import LocalImages

            self._made = LocalImages(self._address)
        return self._made

    async def resolve(self, reference: ImageReference, platform: Platform | None = None) -> Image:
        """Return the image that a reference means now: see `Registry.resolve`.

        Raises:
            RegistryError: It can't be resolved; a local one with `LocalImageError`.
        """
        if isinstance(reference, LocalReference):
            return await self._local.resolve(reference, platform)
        return await self._registry.resolve(reference, platform)

    async def resolve_all(self, reference: ImageReference) -> tuple[Image, ...]:
        """Return all images of an index, in its order: see `Registry.resolve_all`.

        Raises:
            RegistryError: It can't be resolved; a local one with `LocalImageError`.
        """
        if isinstance(reference, LocalReference):
            return await self._local.resolve_all(reference)
        return await self._registry.resolve_all(reference)

    def open(
        self, target: ImageReference | Image, platform: Platform | None, closing: AsyncExitStack
    ) -> Coroutine[Any, Any, Image]:
        """Return, when awaited, an image that can be scanned until *closing* is closed.

        Raises:
            RegistryError: (when awaited) It could not be resolved; or it is a local one that can't be read or trusted.
        """
        if isinstance(target, Image | LocalReference):
            return self._open_here(target, platform, closing)
        return self._registry.resolve(target, platform)

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False, from_here: bool = False) -> BlobAccess:
        """Return the URL and the headers with which a backend can pull a layer: see `Registry.blob`.

        Raises:
            NotInRegistryError: A foreign layer.
            RegistryError: The registry does not give it; or a local image is not open.
        """
        if image.local is not None:
            return await self._local.blob(image, layer)
        return await self._registry.blob(image, layer, renew=renew, from_here=from_here)

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """Write a layer's blob to a new file, verified: see `Registry.copy_blob`.

        Raises:
            NotInRegistryError: A foreign layer.
            RegistryError: The registry does not give it; a local image is not open; or the file can't be written.
        """
        if image.local is not None:
            return await self._local.copy_blob(image, layer, path)
        return await self._registry.copy_blob(image, layer, path)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """Return what is said of a layer without its content; failures are values."""
        if image.local is not None:
            return await self._local.head_blob(image, layer)
        return await self._registry.head_blob(image, layer)

    async def referrers(self, image: Image, artifact_type: str = "") -> tuple[Referrer, ...]:
        """Return what refers to an image: see `Registry.referrers`. A local image has none."""
        return () if image.local is not None else await self._registry.referrers(image, artifact_type)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """Return a blob or a manifest that lies beside an image, verified.

        Raises:
            RegistryError: It is not there, longer than *max_size* bytes, or has another digest.
        """
        if image.local is not None:
            return await self._local.fetch(image, digest, max_size)
        return await self._registry.fetch(image, digest, max_size=max_size)

    async def aclose(self) -> None:
        """Stop serving layers."""
        if self._made is not None:
            await self._made.aclose()

    async def _open_here(
        self, target: LocalReference | Image, platform: Platform | None, closing: AsyncExitStack
    ) -> Image:
        if isinstance(target, Image) and target.local is None:
            return target
        return await self._local.open(target, platform, closing)
