"""An image as a folder that Trivy reads: an OCI layout in the workspace with only this image.

Trivy asks no registry, and gets no credentials. Layers come by the engine's own way, with its TLS, proxies and tokens,
and those that Trivy has kept already do not come at all. Layers of a local layout become hard links. The engine
verifies each blob by its digest; what it unpacks to is verified here.

Source: OCI image specification, ``image-layout.md``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from portus_scanners import (
    Image,
    Layer,
    RegistryError,
    RegistryUnavailableError,
    ScannerContext,
    ScannerError,
    ScannerUnavailableError,
    UnsupportedImageError,
)
from portus_scanners.backends import ProgramWorkspace

from .contents import LayerContent, check_content, read_contents

_LARGEST_CONFIG = 4 * 1024 * 1024
_AT_ONCE = 3
"""Layers that are fetched at the same time: while one is unpacked, the next one comes."""
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


class ImageLayout:
    """A layout without layers, until they are placed: Trivy opens no file of a layer that it has kept.

    Made by `open_layout`.

    Attributes:
        contents: What the image's configuration claims of its layers, base first.
    """

    def __init__(
        self, context: ScannerContext, workspace: ProgramWorkspace, image: Image, contents: tuple[LayerContent, ...]
    ) -> None:
        self.contents = contents
        self._context = context
        self._workspace = workspace
        self._image = image
        self._layers = {layer.digest: layer for layer in image.layers}
        self._placed: set[str] = set()

    @property
    def arguments(self) -> tuple[str, ...]:
        """Trivy's arguments for this image."""
        return ("--input", _folder_of(self._image))

    async def place(self, contents: Iterable[LayerContent], *, verified: bool) -> None:
        """Put layers into the layout, unless they are there.

        Args:
            contents: Which layers.
            verified: Whether they are known to be what is claimed of them; if not, they are unpacked now.

        Raises:
            UnsupportedImageError: A layer is not stored with the image, or Trivy can't read its compression.
            ScannerUnavailableError: The registry can't be reached, or broke off.
            ScannerError: A layer can't be had, is not what is claimed of it, or there is no room for it.
        """
        claims: dict[str, list[LayerContent]] = defaultdict(list)
        for content in dict.fromkeys(contents):
            claims[content.blob].append(content)
        free = asyncio.Semaphore(_AT_ONCE)

        async def place(blob: str) -> None:
            async with free:
                await self._place(self._layers[blob], () if verified else claims[blob])

        with _scanner_errors():
            await _all_or_none(place(blob) for blob in claims if blob not in self._placed)

    async def _place(self, layer: Layer, claims: Iterable[LayerContent]) -> None:
        path = self._workspace.folder / _blob(self._image, layer.digest)
        if layer.urls:
            raise UnsupportedImageError(
                f"the layer {layer.digest} is a foreign one, which is not stored with the image"
            )
        _make_folder(path.parent)
        if not _link(self._image, layer, path):
            await self._context.copy_blob(self._image, layer, path)
        for content in claims:
            await _check(path, content)
        self._placed.add(layer.digest)
        self._context.progress(len(self._placed), len(self._layers), "layer")


async def open_layout(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> ImageLayout:
    """Write the layout of an image, without its layers.

    Args:
        context: Gives configuration and layers.
        workspace: Gets the layout.
        image: An image, local or in a registry.

    Raises:
        UnsupportedImageError: The image has no configuration, or no layer.
        ScannerUnavailableError: The registry can't be reached, or broke off.
        ScannerError: The configuration can't be had, or does not say what the layers are.
    """
    if image.config_digest is None or not image.layers:
        raise UnsupportedImageError("the image has no configuration or no layer: Trivy can't look into it")
    with _scanner_errors():
        config = await context.fetch(image, image.config_digest, max_size=_LARGEST_CONFIG)
    contents = read_contents(image, config)
    layers = [_descriptor(layer.media_type, layer.digest, layer.size or 0) for layer in image.layers]
    described = _descriptor(_CONFIG, image.config_digest, len(config))
    manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": described, "layers": layers}).encode()
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    index = {"schemaVersion": 2, "manifests": [_descriptor(_MANIFEST, digest, len(manifest))]}
    workspace.write(_blob(image, image.config_digest), config)
    workspace.write(_blob(image, digest), manifest)
    workspace.write(f"{_folder_of(image)}/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    workspace.write(f"{_folder_of(image)}/index.json", json.dumps(index))
    return ImageLayout(context, workspace, image, contents)


async def _all_or_none(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of them; if one fails, the others have ended when this raises."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _check(path: Path, content: LayerContent) -> None:
    stop = Event()
    try:
        await asyncio.to_thread(check_content, path, content, stop)
    finally:
        stop.set()  # where this is cancelled, the thread ends soon


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ScannerError(f"no folder for layers can be made ({reason}): set TMPDIR to a folder with room") from error


def _link(image: Image, layer: Layer, place: Path) -> bool:
    """Link to a layer's file if there is one on the same file system; Trivy follows no symbolic links.

    Where the layout itself has a symbolic link, the file that it leads to is meant; one outside of it is not linked to.
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


def _folder_of(image: Image) -> str:
    """Return the layout's name in the workspace; Trivy takes what follows a colon for a tag."""
    return f"image-{image.digest.partition(':')[2]}"


def _blob(image: Image, digest: str) -> str:
    """Return the name of a blob in the workspace."""
    return f"{_folder_of(image)}/blobs/{digest.replace(':', '/')}"
