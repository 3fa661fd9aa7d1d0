"""What is not an image is known by its manifest, also where an index names it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portus_scanners import ImageNotFoundError, Reference
from portus_scanners_testing.images import (
    OCI_INDEX,
    BuiltImage,
    BuiltIndex,
    Pushable,
    filler_layer,
    make_artifact,
    make_attestation,
    make_helm_chart,
    make_image,
)
from portus_scanners_testing.registry import StandInRegistry

from .conftest import Connect

IMAGE = make_image(filler_layer("image"))
ARM64 = make_image(filler_layer("arm64"), architecture="arm64")
SIGNATURE = make_artifact(IMAGE, "application/vnd.dev.cosign.artifact.sig.v1+json", b"{}")
SBOM = make_artifact(IMAGE, "application/spdx+json", b"{}")
ATTESTATION = make_attestation(IMAGE)
MARK = {"vnd.docker.reference.type": "attestation-manifest"}


def index_of(*entries: tuple[BuiltImage, dict[str, Any]]) -> BuiltIndex:
    """Return an index of these manifests, each with these members."""
    named = [{"mediaType": one.media_type, "digest": one.digest, "size": 1, **more} for one, more in entries]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": named}
    manifests = tuple(one for one, _ in entries)
    return BuiltIndex(manifest=json.dumps(document).encode(), media_type=OCI_INDEX, manifests=manifests)


async def artifact_of(connect: Connect, pushed: Pushable) -> tuple[str | None, bool]:
    """Return as which artifact this is resolved, and whether scanners are kept from it."""
    async with StandInRegistry() as server:
        server.push("team/app", "sha256-x.sig", pushed)
        found = await connect().resolve(Reference.parse(f"{server.host}/team/app:sha256-x.sig"))
    return found.artifact, found.unsupported is not None


@pytest.mark.parametrize(
    ("pushed", "expected"),
    [
        (make_helm_chart(), ("Helm chart", True)),
        (SIGNATURE, ("signature", True)),
        (ATTESTATION, ("attestation", True)),
        (index_of((SIGNATURE, {})), ("signature", True)),
        (index_of((SIGNATURE, {}), (SBOM, {"artifactType": "application/spdx+json"})), ("artifact", True)),
        (index_of((ATTESTATION, {"platform": {"os": "unknown", "architecture": "unknown"}})), ("attestation", True)),
        (index_of((ATTESTATION, {"annotations": MARK}), (ATTESTATION, {})), ("attestation", True)),
    ],
)
async def test_artifacts_are_told_from_images(
    connect: Connect, pushed: Pushable, expected: tuple[str | None, bool]
) -> None:
    """Alone, and as the index that clients keep under the tag of what they refer to."""
    assert expected == await artifact_of(connect, pushed)


@pytest.mark.parametrize(
    ("pushed", "expected"),
    [
        (IMAGE, (None, False)),
        (index_of((IMAGE, {"artifactType": "application/spdx+json"})), (None, False)),
        (
            index_of((SIGNATURE, {"platform": dict(IMAGE.platform)}), (ARM64, {"platform": dict(ARM64.platform)})),
            (None, True),
        ),
    ],
)
async def test_an_image_under_the_tag_of_a_signature_is_an_image(
    connect: Connect, pushed: Pushable, expected: tuple[str | None, bool]
) -> None:
    """The tag says nothing, nor does what an index calls it; of several entries each has to be an artifact."""
    assert expected == await artifact_of(connect, pushed)


@pytest.mark.parametrize("hidden", [{}, {"annotations": MARK}, {"artifactType": "application/spdx+json"}])
async def test_an_image_among_signatures_is_not_passed_over(connect: Connect, hidden: dict[str, Any]) -> None:
    """An entry without a platform that is an image by its manifest: containerd would run it."""
    with pytest.raises(ImageNotFoundError, match="has no image for"):
        await artifact_of(connect, index_of((SIGNATURE, {}), (SBOM, {}), (ARM64, hidden)))
