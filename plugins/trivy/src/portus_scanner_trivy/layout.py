"""An image in a folder or an archive, as Trivy reads it: an OCI layout in the workspace, with this one image in it.

An archive may hold several images and a layout an index of them; Trivy would choose for itself. Layers of a layout are
linked to, those of an archive copied: the engine has verified them and serves them.

Source: OCI image specification, ``image-layout.md``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from portus_scanners import (
    Image,
    Layer,
    ProgramWorkspace,
    RegistryError,
    ScannerContext,
    ScannerError,
    ScannerUnavailableError,
    UnsupportedImageError,
)

from .access import Source

FOLDER = "image"
_LARGEST_CONFIG = 4 * 1024 * 1024
_PIECE = 1024 * 1024
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


async def open_local(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> Source:
    """Make the layout of a local image, and say where it is.

    Args:
        context: Gives configuration and layers.
        workspace: Gets the layout.
        image: An image with `Image.local`.

    Raises:
        UnsupportedImageError: A layer of it is not here.
        ScannerError: It could not be read, or there is no room for it.
    """
    try:
        await _write_layout(context, workspace, image)
    except RegistryError as error:
        raise ScannerError(str(error)) from error
    return Source(arguments=("--input", FOLDER))


async def _write_layout(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> None:
    if image.config_digest is None or not image.layers:
        raise UnsupportedImageError("the image has no configuration or no layer: Trivy can't look into it")
    config = await context.fetch(image, image.config_digest, max_size=_LARGEST_CONFIG)
    workspace.write(_blob(image.config_digest), config)
    for number, layer in enumerate(image.layers, 1):
        await _place_layer(context, workspace, image, layer)
        context.progress(number, len(image.layers), "layer")
    manifest = _make_manifest(workspace, image, _descriptor(_CONFIG, image.config_digest, len(config)))
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    workspace.write(_blob(digest), manifest)
    index = {"schemaVersion": 2, "manifests": [_descriptor(_MANIFEST, digest, len(manifest))]}
    workspace.write(f"{FOLDER}/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    workspace.write(f"{FOLDER}/index.json", json.dumps(index))


async def _place_layer(context: ScannerContext, workspace: ProgramWorkspace, image: Image, layer: Layer) -> None:
    place = workspace.folder / _blob(layer.digest)
    if place.exists():  # an image may have a layer twice
        return
    if layer.urls:
        raise UnsupportedImageError(f"the layer {layer.digest} is a foreign one, which is not in the image")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if image.local is not None and image.local.form == "oci":
            place.symlink_to(Path(image.local.path, "blobs", *layer.digest.split(":")))
        else:
            await _copy((await context.blob(image, layer)).url, place, context)
    except OSError as error:
        raise ScannerError(
            f"the layer {layer.digest} can't be copied ({error.strerror}): set TMPDIR to a folder with room"
        ) from error


async def _copy(url: str, place: Path, context: ScannerContext) -> None:
    """Copy what the engine serves to a file."""
    import aiohttp

    try:
        async with context.http.get(url) as response:
            response.raise_for_status()
            with place.open("xb") as file:
                async for piece in response.content.iter_chunked(_PIECE):
                    await asyncio.to_thread(file.write, piece)
    except aiohttp.ClientError as error:
        raise ScannerUnavailableError(
            f"a layer of the image was not served to the end: {type(error).__name__}"
        ) from error


def _make_manifest(workspace: ProgramWorkspace, image: Image, config: Mapping[str, object]) -> bytes:
    sizes = [(workspace.folder / _blob(layer.digest)).stat().st_size for layer in image.layers]
    layers = [
        _descriptor(layer.media_type, layer.digest, size) for layer, size in zip(image.layers, sizes, strict=True)
    ]
    document = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers}
    return json.dumps(document).encode()


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _blob(digest: str) -> str:
    """Return the name of a blob in the workspace."""
    return f"{FOLDER}/blobs/{digest.replace(':', '/')}"
