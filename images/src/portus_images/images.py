"""Where images are: in a registry, or in a folder or an archive here. Each question goes to the right one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

from .blobs import BlobAccess, BlobHead, Referrer
from .image import Image, Layer, Platform
from .local.address import ServeAddress
from .local.images import LocalImages
from .local.reference import ImageReference, LocalReference
from .registry.client import Registry


class Images:
    """Resolves references, and gives scanners what they need of an image.

    Args:
        registry: For images in registries; whoever made it closes it.
        address: Where the layers of local images are served.
    """

    def __init__(self, registry: Registry, address: ServeAddress) -> None:
        self._registry = registry
        self._local = LocalImages(address)

    async def resolve(self, reference: ImageReference, platform: Platform | None) -> Image:
        """See `Engine.resolve`."""
        if isinstance(reference, LocalReference):
            return await self._local.resolve(reference, platform)
        return await self._registry.resolve(reference, platform)

    async def resolve_all(self, reference: ImageReference) -> tuple[Image, ...]:
        """See `Engine.resolve_all`."""
        if isinstance(reference, LocalReference):
            return await self._local.resolve_all(reference)
        return await self._registry.resolve_all(reference)

    async def open(self, target: ImageReference | Image, platform: Platform | None, closing: AsyncExitStack) -> Image:
        """Return an image that can be scanned until *closing* is closed.

        Raises:
            RegistryError: It could not be resolved; or it is a local one that can't be read or trusted.
        """
        if isinstance(target, Image):
            return target if target.local is None else await self._local.open(target, platform, closing)
        if isinstance(target, LocalReference):
            return await self._local.open(target, platform, closing)
        return await self._registry.resolve(target, platform)

    async def blob(self, image: Image, layer: Layer, *, renew: bool, from_here: bool) -> BlobAccess:
        """See `ScannerContext.blob`."""
        if image.local is not None:
            return await self._local.blob(image, layer)
        return await self._registry.blob(image, layer, renew=renew, from_here=from_here)

    async def copy_blob(self, image: Image, layer: Layer, path: Path) -> None:
        """See `ScannerContext.copy_blob`."""
        if image.local is not None:
            return await self._local.copy_blob(image, layer, path)
        return await self._registry.copy_blob(image, layer, path)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        """See `ScannerContext.head_blob`."""
        if image.local is not None:
            return await self._local.head_blob(image, layer)
        return await self._registry.head_blob(image, layer)

    async def referrers(self, image: Image, artifact_type: str) -> tuple[Referrer, ...]:
        """See `ScannerContext.referrers`."""
        return () if image.local is not None else await self._registry.referrers(image, artifact_type)

    async def fetch(self, image: Image, digest: str, *, max_size: int) -> bytes:
        """See `ScannerContext.fetch`."""
        if image.local is not None:
            return await self._local.fetch(image, digest, max_size)
        return await self._registry.fetch(image, digest, max_size=max_size)

    async def aclose(self) -> None:
        """Serve no layers any more."""
        await self._local.aclose()
