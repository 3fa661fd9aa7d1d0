"""What lies in registries beside images is known by its manifest, and named by its kind."""

from __future__ import annotations

from typing import Any

import pytest
from portus_images.manifests.artifacts import ManifestContent, judge_content
from portus_images.manifests.wire import WireManifest, structure

DIGEST = "sha256:" + "ab" * 32
IMAGE = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def judge(config: str = IMAGE, layers: tuple[str, ...] = (LAYER,), artifact: str = "") -> ManifestContent:
    """Judge a manifest of these media types."""
    document = {
        "schemaVersion": 2,
        "artifactType": artifact,
        "config": {"mediaType": config, "digest": DIGEST},
        "layers": [{"mediaType": layer, "digest": DIGEST} for layer in layers],
    }
    return judge_content(structure(document, WireManifest))


@pytest.mark.parametrize("artifact", ["", "application/vnd.acme.image", "application/spdx+json"])
@pytest.mark.parametrize("config", [IMAGE, IMAGE.upper(), "application/octet-stream", "text/html", ""])
def test_what_docker_runs_is_an_image(config: str, artifact: str) -> None:
    """Whatever artifact type it says: no program that runs images looks at that."""
    assert ManifestContent() == judge(config, artifact=artifact)


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        ({"config": "application/vnd.cncf.helm.config.v1+json"}, "Helm chart"),
        ({"config": EMPTY, "layers": ("application/vnd.cncf.helm.chart.content.v1.tar+gzip",)}, "Helm chart"),
        ({"config": "application/vnd.docker.plugin.v1+json"}, "Docker plugin"),
        ({"config": "application/vnd.wasm.config.v0+json", "layers": ("application/wasm",)}, "WebAssembly module"),
        ({"layers": ("application/vnd.wasm.content.layer.v1+wasm",)}, "WebAssembly module"),
        ({"layers": ("application/vnd.module.wasm.content.layer.v1+wasm",)}, "WebAssembly module"),
        ({"layers": ("application/vnd.in-toto+json",) * 2}, "attestation"),
        ({"layers": ("application/vnd.dsse.envelope.v1+json",)}, "attestation"),
        ({"artifact": "application/vnd.docker.attestation.manifest.v1+json", "config": EMPTY}, "attestation"),
        ({"layers": ("application/vnd.dev.cosign.simplesigning.v1+json",)}, "signature"),
        ({"artifact": "application/vnd.dev.cosign.artifact.sig.v1+json", "config": EMPTY}, "signature"),
        ({"artifact": "application/vnd.dev.sigstore.bundle.v0.3+json", "config": EMPTY}, "signature"),
        ({"artifact": "application/vnd.cncf.notary.signature", "config": EMPTY}, "signature"),
        ({"layers": ("text/spdx",)}, "SBOM"),
        ({"layers": ("text/spdx+json",)}, "SBOM"),
        ({"artifact": "application/spdx+json", "config": EMPTY}, "SBOM"),
        ({"layers": ("application/vnd.cyclonedx+json",)}, "SBOM"),
        ({"layers": ("application/vnd.cyclonedx",)}, "SBOM"),
        ({"layers": ("application/vnd.syft+json",)}, "SBOM"),
        ({"artifact": "application/vnd.dev.cosign.artifact.sbom.v1+json", "config": EMPTY}, "SBOM"),
    ],
)
def test_a_known_kind_is_named_with_its_media_type(types: dict[str, Any], kind: str) -> None:
    """By configuration, artifact type or layers, whichever says it."""
    found = judge(**types)
    article = "an" if kind in {"SBOM", "attestation"} else "a"
    said = found.unsupported or ""
    assert kind == found.artifact
    assert said.startswith(f"it is {article} {kind} (")
    assert any(
        media_type in said for value in types.values() for media_type in ((value,) if str(value) == value else value)
    )
    assert said.endswith("), not a container image")


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ({"config": "application/vnd.acme+json"}, "application/vnd.acme+json"),
        ({"config": EMPTY, "artifact": "application/x.y"}, "application/x.y"),
        ({"config": EMPTY}, EMPTY),
        ({"layers": ("text/plain",)}, "text/plain"),
    ],
)
def test_an_unknown_kind_is_named_by_its_media_type(types: dict[str, Any], said: str) -> None:
    """So that a reader can look it up."""
    expected = f"it is an artifact of the type {said}, not a container image"
    assert ManifestContent(expected, "artifact") == judge(**types)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ((LAYER, "application/vnd.dev.cosign.simplesigning.v1+json"), "it has a layer of the type application/vnd.dev"),
        (("text/spdx", LAYER), "it has a layer of the type text/spdx"),
        (("application/octet-stream",), "it has a layer of the type application/octet-stream"),
        (("application/vnd.docker.attestation.v1+json",), "it has a layer of the type application/vnd.docker"),
        (("Application/vnd.OCI.image.layer.v9.tar",), "it has a layer of the type Application"),
        ((f"{LAYER}+encrypted",), "its layers are encrypted"),
    ],
)
def test_what_some_program_might_run_is_not_an_artifact(layers: tuple[str, ...], said: str) -> None:
    """Docker takes layers of these types, and containerd those that it knows: no scanner sees what would run."""
    found = judge(layers=layers)
    assert (True, None) == ((found.unsupported or "").startswith(said), found.artifact)
