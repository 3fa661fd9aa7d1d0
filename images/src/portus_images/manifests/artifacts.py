"""What lies in registries beside images: charts, SBOMs, signatures, attestations. Known by the manifest alone.

A tag's name says nothing, since anybody could give one to an image; nor does ``artifactType``, which no program that
runs images looks at. What counts is what these programs take:

1. Docker, containerd and podman take the configurations of `_IMAGE_CONFIGS` for those of images. With another one it is
   an artifact.
2. With such a one, Docker takes layers whose type begins as in `_RUN`, containerd a part of these. Where all layers
   have other types, it is an artifact: cosign's signatures and BuildKit's attestations have an image's configuration.
3. Where only some have, containerd leaves those out and runs the rest. That is an image which can't be scanned.

Sources: moby's ``distribution/pull_v2.go`` and ``manifest.go`` (``checkSupportedMediaType``); containerd's
``core/images/mediatypes.go``. The kinds: media types of Helm, cosign, sigstore, notation, BuildKit, SPDX, CycloneDX,
syft and the CNCF's Wasm working group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .wire import WireArtifact, WireManifest

_IMAGE_CONFIGS = {
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/octet-stream",  # these are what Docker takes for one: registries of 2016 wrote them
    "application/json",
    "text/html",
    "",
}
_RUN = ("application/vnd.oci.image", "application/vnd.docker")
_RUN_TOO = {"application/octet-stream", "application/json", "text/html", ""}
_TAR_LAYER = (
    r"application/vnd\.(?:docker\.image\.rootfs\.(?:foreign\.)?diff|oci\.image\.layer\.(?:nondistributable\.)?v1)"
    r"\.tar(?:[.+](?:gzip|zstd|bzip2|xz))?"
)
_KINDS = (
    (r"application/vnd\.cncf\.helm\..+", "Helm chart"),
    (r"application/vnd\.docker\.plugin\..+", "Docker plugin"),
    (r"application/(?:vnd\.)?wasm\b.*|application/vnd\.module\.wasm\..+", "WebAssembly module"),
    (r"application/vnd\.(?:in-toto|dsse\.envelope|docker\.attestation)\b.*", "attestation"),
    (r"application/vnd\.dev\.cosign\.(?:artifact\.sig|simplesigning)\..+", "signature"),
    (r"application/vnd\.(?:dev\.sigstore\.bundle|cncf\.notary\.signature)\b.*", "signature"),
    (r"(?:application|text)/(?:vnd\.)?(?:spdx|cyclonedx|syft)\b.*", "SBOM"),
    (r"application/vnd\.dev\.cosign\.artifact\.sbom\..+", "SBOM"),
)
OTHER = "artifact"
"""What is not an image, and of no known kind."""


class ManifestContent(NamedTuple):
    """What a manifest's media types say of its content."""

    unsupported: str | None = None
    """Why no scanner could look into it; None for an image that one could."""
    artifact: str | None = None
    """What it is, where no program that runs images takes it for one: ``signature``."""


def judge_content(wire: WireManifest) -> ManifestContent:
    """Return whether a manifest is that of an image, and if not, what it is."""
    config, layers = wire.config.mediaType, [layer.mediaType for layer in wire.layers]
    strange = next((layer for layer in layers if not _is_tar(layer)), None)
    if config.lower() not in _IMAGE_CONFIGS:
        return _make_artifact((wire.artifactType, config, *layers), wire.artifactType or config)
    if strange is None:
        return ManifestContent()
    if not any(map(_may_run, layers)):
        return _make_artifact(layers, strange)
    if strange.endswith("+encrypted"):
        return ManifestContent(f"its layers are encrypted ({strange})")
    return ManifestContent(f"it has a layer of the type {strange}, which is not a file system")


def judge_artifact(wire: WireArtifact, media_type: str) -> ManifestContent:
    """Return what a manifest is whose own media type says that it is an artifact's."""
    return _make_artifact((wire.artifactType,), wire.artifactType or media_type)


def _make_artifact(media_types: Iterable[str], otherwise: str) -> ManifestContent:
    """Return what the first of these types that is known says; another artifact is named by one of them."""
    for media_type in media_types:
        kind = next((kind for form, kind in _KINDS if re.fullmatch(form, media_type)), None)
        if kind is not None:
            article = "an" if kind[0] in "aS" else "a"
            return ManifestContent(f"it is {article} {kind} ({media_type}), not a container image", kind)
    return ManifestContent(f"it is an artifact of the type {otherwise}, not a container image", OTHER)


def _may_run(layer: str) -> bool:
    """Tell whether some program takes a layer of this type for a file system, or tries to."""
    layer = layer.lower()
    return layer.startswith(_RUN) or layer in _RUN_TOO


def _is_tar(media_type: str) -> bool:
    return not media_type or re.fullmatch(_TAR_LAYER, media_type) is not None
