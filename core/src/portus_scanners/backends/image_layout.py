"""An image as a folder that a program reads: an OCI layout in its workspace with only this image.

Such a program asks no registry, and gets no credentials. Configuration and layers come by the engine's own way, with
its TLS, proxies and tokens, verified by their digests. Layers of a local layout become hard links.

Source: OCI image specification, ``image-layout.md``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from portus_images import Image, Layer, RegistryError, RegistryUnavailableError

from ..errors import ScannerError, ScannerUnavailableError, UnsupportedImageError
from ..scanner import ScannerContext
from .program import ProgramWorkspace

_LARGEST_CONFIG = 4 * 1024 * 1024
_AT_ONCE = 3
"""Layers that are fetched at the same time: while one is checked, the next one comes."""
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class ImageLayout:
    """The layout of an image, without layers until they are placed. Made by `open`.

    Attributes:
        name: Its folder in the workspace. There is no colon in it: programs take what follows one for a tag.
        config: The image's configuration.
        manifest_digest: Digest of the manifest that is written for it: ``sha256:`` and 64 hex digits.
    """

    def __init__(self, context: ScannerContext, workspace: ProgramWorkspace, image: Image, config: bytes) -> None:
        self.name = f"image-{image.digest.partition(':')[2]}"
        self.config = config
        self._context = context
        self._workspace = workspace
        self._image = image
        self._layers = {layer.digest: layer for layer in image.layers}
        self._placed: set[str] = set()
        self.manifest_digest = self._write()

    @classmethod
    async def open(cls, context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> ImageLayout:
        """Write the layout of an image, local or in a registry, without its layers.

        Raises:
            UnsupportedImageError: The image has no configuration, or no layer.
            ScannerUnavailableError: The registry can't be reached, or broke off.
            ScannerError: The configuration can't be had, or there is no room for it.
        """
        if image.config_digest is None or not image.layers:
            raise UnsupportedImageError("the image has no configuration or no layer: there is nothing to look into")
        with _scanner_errors():
            config = await context.fetch(image, image.config_digest, max_size=_LARGEST_CONFIG)
        return cls(context, workspace, image, config)

    async def place(
        self, digests: Iterable[str] | None = None, check: Callable[[str, Path], Awaitable[None]] | None = None
    ) -> None:
        """Put layers into the layout, unless they are there. If one can't be had, none is under way when this raises.

        Args:
            digests: Which layers; all when left out.
            check: Called with the digest and the file of each that comes; what it raises is raised here.

        Raises:
            UnsupportedImageError: A layer is not stored with the image.
            ScannerUnavailableError: The registry can't be reached, or broke off.
            ScannerError: A layer can't be had, or there is no room for it.
        """
        layers = [self._layers[one] for one in dict.fromkeys(self._layers if digests is None else digests)]
        if foreign := next((layer.digest for layer in layers if layer.urls), None):
            raise UnsupportedImageError(f"the layer {foreign} is a foreign one, which is not stored with the image")
        free = asyncio.Semaphore(_AT_ONCE)

        async def place(layer: Layer) -> None:
            async with free:
                path = self._workspace.folder / self._blob(layer.digest)
                _make_folder(path.parent)
                if not _link(self._image, layer, path):
                    await self._context.copy_blob(self._image, layer, path)
                if check is not None:
                    await check(layer.digest, path)
            self._placed.add(layer.digest)
            self._context.progress(len(self._placed), len(self._layers), "layer")

        tasks = [asyncio.ensure_future(place(layer)) for layer in layers if layer.digest not in self._placed]
        try:
            with _scanner_errors():
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _write(self) -> str:
        """Write all but the layers, and return the manifest's digest."""
        digest, write = str(self._image.config_digest), self._workspace.write
        config = _descriptor(_CONFIG, digest, len(self.config))
        layers = [_descriptor(one.media_type or _LAYER, one.digest, one.size or 0) for one in self._image.layers]
        members = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers}
        manifest = json.dumps(members).encode()
        own = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        write(self._blob(digest), self.config)
        write(self._blob(own), manifest)
        write(f"{self.name}/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        index = {"schemaVersion": 2, "manifests": [_descriptor(_MANIFEST, own, len(manifest))]}
        write(f"{self.name}/index.json", json.dumps(index))
        return own

    def _blob(self, digest: str) -> str:
        """Return the name of a blob in the workspace."""
        return f"{self.name}/blobs/{digest.replace(':', '/')}"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ScannerError(f"no folder for layers can be made ({why}): set TMPDIR to a folder with room") from error


def _link(image: Image, layer: Layer, place: Path) -> bool:
    """Link to a layer's file if there is one on the same file system: programs need not follow symbolic links.

    Where the image's own layout has a symbolic link, the file that it leads to is meant; one outside of it is not
    linked to.
    """
    if image.local is None or image.local.form != "oci":
        return False
    try:
        folder = Path(image.local.path).resolve(strict=True)
        file = folder.joinpath("blobs", *layer.digest.split(":")).resolve(strict=True)
        if not file.is_relative_to(folder):
            return False
        place.hardlink_to(file)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links
        return False
    return True


@contextmanager
def _scanner_errors() -> Iterator[None]:
    """Raise a scanner's error for one of a registry."""
    try:
        yield
    except RegistryUnavailableError as error:
        raise ScannerUnavailableError(str(error)) from error
    except RegistryError as error:
        raise ScannerError(str(error)) from error


def _descriptor(media_type: str, digest: str, size: int) -> Mapping[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}
