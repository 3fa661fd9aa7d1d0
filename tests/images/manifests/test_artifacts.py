"""What lies in registries beside images is named by its kind."""

from __future__ import annotations

import pytest
from portus_images.manifests.manifest import why_no_image
from portus_images.manifests.wire import WireManifest, structure

DIGEST = "sha256:" + "ab" * 32
IMAGE = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def judge(config: str = IMAGE, layer: str = LAYER, artifact: str = "") -> str | None:
    """Judge a manifest of these media types."""
    document = {
        "schemaVersion": 2,
        "artifactType": artifact,
        "config": {"mediaType": config, "digest": DIGEST},
        "layers": [{"mediaType": layer, "digest": DIGEST}],
    }
    return why_no_image(structure(document, WireManifest))


def test_an_image_is_an_image() -> None:
    """Also one whose builder names an artifact type of its own."""
    assert judge() is None
    assert judge(artifact="application/vnd.acme.image") is None


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        ({"config": "application/vnd.cncf.helm.config.v1+json"}, "a Helm chart"),
        ({"config": EMPTY, "layer": "application/vnd.cncf.helm.chart.content.v1.tar+gzip"}, "a Helm chart"),
        ({"config": "application/vnd.docker.plugin.v1+json"}, "a Docker plugin"),
        ({"config": "application/vnd.wasm.config.v0+json", "layer": "application/wasm"}, "a WebAssembly module"),
        ({"layer": "application/vnd.wasm.content.layer.v1+wasm"}, "a WebAssembly module"),
        ({"layer": "application/vnd.module.wasm.content.layer.v1+wasm"}, "a WebAssembly module"),
        ({"layer": "application/vnd.in-toto+json"}, "an attestation"),
        ({"layer": "application/vnd.dsse.envelope.v1+json"}, "an attestation"),
        ({"artifact": "application/vnd.docker.attestation.manifest.v1+json", "config": EMPTY}, "an attestation"),
        ({"layer": "application/vnd.dev.cosign.simplesigning.v1+json"}, "a signature"),
        ({"artifact": "application/vnd.dev.cosign.artifact.sig.v1+json", "config": EMPTY}, "a signature"),
        ({"artifact": "application/vnd.dev.sigstore.bundle.v0.3+json", "config": EMPTY}, "a signature"),
        ({"artifact": "application/vnd.cncf.notary.signature", "config": EMPTY}, "a signature"),
        ({"layer": "text/spdx"}, "an SBOM"),
        ({"layer": "text/spdx+json"}, "an SBOM"),
        ({"artifact": "application/spdx+json", "config": EMPTY}, "an SBOM"),
        ({"layer": "application/vnd.cyclonedx+json"}, "an SBOM"),
        ({"layer": "application/vnd.cyclonedx"}, "an SBOM"),
        ({"layer": "application/vnd.syft+json"}, "an SBOM"),
        ({"artifact": "application/vnd.dev.cosign.artifact.sbom.v1+json", "config": EMPTY}, "an SBOM"),
    ],
)
def test_a_known_kind_is_named_with_its_media_type(types: dict[str, str], kind: str) -> None:
    """By configuration, artifact type or layer, whichever says it."""
    said = judge(**types) or ""

    assert said.startswith(f"it is {kind} (")
    assert any(media_type in said for media_type in types.values())
    assert said.endswith("), not a container image")


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ({"config": "application/vnd.acme+json"}, "it is an artifact of the type application/vnd.acme+json"),
        ({"config": EMPTY, "artifact": "application/x.y"}, "it is an artifact of the type application/x.y"),
        ({"config": EMPTY}, f"it is an artifact of the type {EMPTY}"),
        ({"layer": "text/plain"}, "it has a layer of the type text/plain"),
        ({"layer": f"{LAYER}+encrypted"}, "its layers are encrypted"),
    ],
)
def test_an_unknown_kind_is_named_by_its_media_type(types: dict[str, str], said: str) -> None:
    """So that a reader can look it up."""
    assert (judge(**types) or "").startswith(said)
