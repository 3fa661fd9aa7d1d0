"""An image as a folder that Grype reads: an OCI layout in the workspace with only this image.

Grype asks no registry, and gets no credentials. Configuration and layers come by the engine's own way, with its TLS,
proxies and tokens, verified by their digests. Layers of a local layout become hard links. Grype keeps nothing of them
for other images, and takes their order from the manifest.

Source: OCI image specification, ``image-layout.md``; anchore/stereoscope, ``pkg/image/oci``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
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

_LARGEST = 4 * 1024 * 1024
"""Bytes of a configuration."""
_AT_ONCE = 3
"""Layers that are fetched at the same time."""
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


async def write_layout(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> str:
    """Write the layout of an image, and return the digest of its manifest there, which Grype's report will have.

    Args:
        context: Gives configuration and layers.
        workspace: Gets the layout.
        image: An image, local or in a registry.

    Raises:
        UnsupportedImageError: The image has no configuration or no layer, or a layer is not stored with it.
        ScannerUnavailableError: The registry can't be reached, or broke off.
        ScannerError: A part of the image can't be had, or there is no room for it.
    """
    if image.config_digest is None or not image.layers:
        raise UnsupportedImageError("the image has no configuration or no layer: Grype can't look into it")
    for layer in image.layers:
        if layer.urls:
            raise UnsupportedImageError(
                f"the layer {layer.digest} is a foreign one, which is not stored with the image"
            )
    with _scanner_errors():
        config = await context.fetch(image, image.config_digest, max_size=_LARGEST)
    layers = [_descriptor(layer.media_type or _LAYER, layer.digest, layer.size or 0) for layer in image.layers]
    described = _descriptor(_CONFIG, image.config_digest, len(config))
    manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": described, "layers": layers}).encode()
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    index = {"schemaVersion": 2, "manifests": [_descriptor(_MANIFEST, digest, len(manifest))]}
    workspace.write(_blob(image, image.config_digest), config)
    workspace.write(_blob(image, digest), manifest)
    workspace.write(f"{_folder_of(image)}/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    workspace.write(f"{_folder_of(image)}/index.json", json.dumps(index))
    await _place_layers(context, workspace, image)
    return digest


async def _place_layers(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> None:
    layers = {layer.digest: layer for layer in image.layers}
    free = asyncio.Semaphore(_AT_ONCE)
    placed = 0

    async def place(layer: Layer) -> None:
        nonlocal placed
        async with free:
            path = workspace.folder / _blob(image, layer.digest)
            _make_folder(path.parent)
            if not _link(image, layer, path):
                await context.copy_blob(image, layer, path)
        placed += 1
        context.progress(placed, len(layers), "layer")

    with _scanner_errors():
        await _all_or_none(place(layer) for layer in layers.values())


async def _all_or_none(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of them; if one fails, the others have ended when this raises."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ScannerError(f"no folder for layers can be made ({reason}): set TMPDIR to a folder with room") from error


def _link(image: Image, layer: Layer, place: Path) -> bool:
    """Link to a layer's file if there is one on the same file system.

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


def argument_for(image: Image) -> str:
    """Return how Grype is told to read an image's layout."""
    return f"oci-dir:{_folder_of(image)}"


def _folder_of(image: Image) -> str:
    """Return the layout's name in the workspace; what follows a colon would be a tag."""
    return f"image-{image.digest.partition(':')[2]}"


def _blob(image: Image, digest: str) -> str:
    """Return the name of a blob in the workspace."""
    return f"{_folder_of(image)}/blobs/{digest.replace(':', '/')}"
