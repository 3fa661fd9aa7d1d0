"""What lies in registries beside images, by its media types: charts, SBOMs, signatures, attestations.

Sources: OCI image specification, ``manifest.md``, "Guidelines for Artifact Usage"; the media types are those of Helm,
cosign, sigstore, notation, BuildKit, SPDX, CycloneDX, syft and the CNCF's Wasm working group.
"""

from __future__ import annotations

import re

from .wire import Descriptor, WireManifest

_IMAGE_CONFIGS = {
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/octet-stream",  # Docker 1.10
    "",
}
_EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
_TAR_LAYER = re.compile(
    r"application/vnd\.(?:docker\.image\.rootfs\.(?:foreign\.)?diff|oci\.image\.layer\.(?:nondistributable\.)?v1)"
    r"\.tar(?:[.+](?:gzip|zstd|bzip2|xz))?"
)
_KINDS = (
    (re.compile(r"application/vnd\.cncf\.helm\..+"), "a Helm chart"),
    (re.compile(r"application/vnd\.docker\.plugin\..+"), "a Docker plugin"),
    (re.compile(r"application/(?:vnd\.)?wasm\b.*|application/vnd\.module\.wasm\..+"), "a WebAssembly module"),
    (re.compile(r"application/vnd\.(?:in-toto|dsse\.envelope|docker\.attestation)\b.*"), "an attestation"),
    (re.compile(r"application/vnd\.dev\.cosign\.(?:artifact\.sig|simplesigning)\..+"), "a signature"),
    (re.compile(r"application/vnd\.(?:dev\.sigstore\.bundle|cncf\.notary\.signature)\b.*"), "a signature"),
    (re.compile(r"(?:application|text)/(?:vnd\.)?(?:spdx|cyclonedx|syft)\b.*"), "an SBOM"),
    (re.compile(r"application/vnd\.dev\.cosign\.artifact\.sbom\..+"), "an SBOM"),
)


def why_no_image(wire: WireManifest) -> str | None:
    """Return why a manifest is none of a container image, or None when it is one."""
    for media_type in (wire.artifactType, wire.config.mediaType, *(layer.mediaType for layer in wire.layers)):
        if kind := _find_kind(media_type):
            return f"it is {kind} ({media_type}), not a container image"
    config_type = wire.config.mediaType
    if config_type not in _IMAGE_CONFIGS:
        kind = wire.artifactType if wire.artifactType and config_type == _EMPTY_CONFIG else config_type
        return f"it is an artifact of the type {kind}, not a container image"
    return _find_strange_layer(wire.layers)


def _find_kind(media_type: str) -> str | None:
    return next((kind for form, kind in _KINDS if form.fullmatch(media_type)), None)


def _find_strange_layer(layers: tuple[Descriptor, ...]) -> str | None:
    """Return what is wrong with the first layer that is no tar archive."""
    strange = next((layer.mediaType for layer in layers if not _is_tar(layer.mediaType)), None)
    if strange is None:
        return None
    if strange.endswith("+encrypted"):
        return f"its layers are encrypted ({strange})"
    return f"it has a layer of the type {strange}, which is no file system"


def _is_tar(media_type: str) -> bool:
    return not media_type or _TAR_LAYER.fullmatch(media_type) is not None
