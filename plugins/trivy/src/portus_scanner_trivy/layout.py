"""An image as a folder that Trivy reads: an OCI layout in the workspace with only this image.

It serves for images in folders and archives, since an archive may hold several images, and a layout an index, of which
Trivy would choose one itself; and for images in a registry from which Trivy can't pull. Layers of a layout become hard
links; others are copied by the engine. It verifies all of them.

Source: OCI image specification, ``image-layout.md``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

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

from .access import Source

FOLDER = "image"
_LARGEST_CONFIG = 4 * 1024 * 1024
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"


async def open_layout(context: ScannerContext, workspace: ProgramWorkspace, image: Image) -> Source:
    """Write the layout of an image, and return where it is.

    Args:
        context: Gives configuration and layers.
        workspace: Gets the layout.
        image: An image, local or in a registry.

    Raises:
        UnsupportedImageError: A layer is missing in the image.
        ScannerUnavailableError: The registry can't be reached, or broke off.
        ScannerError: The image could not be read, or there is no room for it.
    """
    try:
        await _write_layout(context, workspace, image)
    except RegistryUnavailableError as error:
        raise ScannerUnavailableError(str(error)) from error
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
        raise UnsupportedImageError(f"the layer {layer.digest} is a foreign one, which is not stored with the image")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ScannerError(f"no folder for layers can be made ({reason}): set TMPDIR to a folder with room") from error
    if not _link(image, layer, place):
        await context.copy_blob(image, layer, place)


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
