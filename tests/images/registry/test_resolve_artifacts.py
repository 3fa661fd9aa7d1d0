"""What is not an image is known by its manifest, also where an index names it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portus_images import InvalidManifestError
from portus_scanners import ImageNotFoundError, Platform, Reference
from portus_scanners_testing import ScriptedServer
from portus_scanners_testing.images import (
    OCI_INDEX,
    BuiltImage,
    BuiltIndex,
    Pushable,
    digest_of,
    filler_layer,
    make_artifact,
    make_attestation,
    make_helm_chart,
    make_image,
)
from portus_scanners_testing.registry import StandInRegistry

from .conftest import MANIFEST, Connect, reference_on

IMAGE = make_image(filler_layer("image"))
OTHER = make_image(filler_layer("other"))
ARM64 = make_image(filler_layer("arm64"), architecture="arm64")
SIGNATURE = make_artifact(IMAGE, "application/vnd.dev.cosign.artifact.sig.v1+json", b"{}")
SBOM = make_artifact(IMAGE, "application/spdx+json", b"{}")
ATTESTATION = make_attestation(IMAGE)
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MARK = {"vnd.docker.reference.type": "attestation-manifest"}


def index_of(*entries: tuple[BuiltImage, dict[str, Any]]) -> BuiltIndex:
    """Return an index of these manifests, each with these members."""
    named = [{"mediaType": one.media_type, "digest": one.digest, "size": 1, **more} for one, more in entries]
    manifests = tuple(one for one, _ in entries)
    return BuiltIndex(manifest=index_body(*named), media_type=OCI_INDEX, manifests=manifests)


def index_body(*entries: dict[str, Any]) -> bytes:
    """Return the index of these entries."""
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


async def artifact_of(connect: Connect, pushed: Pushable) -> tuple[str | None, bool]:
    """Return as which artifact this is resolved, and whether scanners are kept from it."""
    async with StandInRegistry() as server:
        server.push("team/app", "sha256-x.sig", pushed)
        reference = Reference.parse(f"{server.host}/team/app:sha256-x.sig")
        found = await connect().resolve(reference, Platform("linux", "amd64"))
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


@pytest.mark.parametrize("media_type", ["oci.artifact", "cncf.oras.artifact"])
@pytest.mark.parametrize(
    ("members", "artifact"),
    [({"artifactType": "application/spdx+json"}, "SBOM"), ({"blobs": None}, "artifact"), ({"Layers": [{}]}, None)],
)
async def test_manifests_that_were_artifacts_own_are_known(
    connect: Connect, media_type: str, members: dict[str, Any], artifact: str | None
) -> None:
    """No program that runs images takes them; one that could be read as an image's too is refused."""
    content_type = f"application/vnd.{media_type}.manifest.v1+json"
    async with ScriptedServer() as server:
        server.script(MANIFEST, {"mediaType": content_type, **members}, content_type=content_type)
        if artifact is None:
            with pytest.raises(InvalidManifestError, match="could be read in two ways"):
                await connect().resolve(reference_on(server))
        else:
            assert artifact == (await connect().resolve(reference_on(server))).artifact


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


CACHE = [
    {"mediaType": LAYER, "digest": digest_of(b"layer"), "size": 5},
    {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": digest_of(b"{}"), "size": 2},
]


async def test_an_index_of_blobs_is_an_artifact(connect: Connect) -> None:
    """As BuildKit pushes its cache (``--cache-to type=registry``)."""
    assert ("artifact", True) == await artifact_of(
        connect, BuiltIndex(manifest=index_body(*CACHE), media_type=OCI_INDEX, manifests=())
    )


async def test_what_an_index_calls_a_blob_may_be_an_image(connect: Connect) -> None:
    """Docker asks for the first entry's manifest whatever its media type."""
    lie = {"mediaType": LAYER, "digest": IMAGE.digest, "size": 5}
    index = BuiltIndex(manifest=index_body(lie, *CACHE), media_type=OCI_INDEX, manifests=(IMAGE,))
    assert (None, False) == await artifact_of(connect, index)


@pytest.mark.parametrize("hidden", [{}, {"annotations": MARK}, {"artifactType": "application/spdx+json"}])
async def test_an_image_among_signatures_is_not_passed_over(connect: Connect, hidden: dict[str, Any]) -> None:
    """An entry without a platform that is an image by its manifest: some program might run it."""
    assert (None, True) == await artifact_of(connect, index_of((SIGNATURE, {}), (SBOM, {}), (ARM64, hidden)))


@pytest.mark.parametrize("marks", [{}, {"annotations": MARK}])
async def test_of_entries_without_platform_the_first_is_pulled(connect: Connect, marks: dict[str, Any]) -> None:
    """If its configuration has the platform, as for containerd; whatever its annotations say."""
    amd64 = Platform("linux", "amd64")
    async with StandInRegistry() as server:
        server.push("team/app", "1", index_of((IMAGE, marks), (OTHER, {})))
        server.push("team/app", "2", index_of((ARM64, marks), (OTHER, {})))
        found = await connect().resolve(reference_on(server), amd64)
        with pytest.raises(ImageNotFoundError, match="has no image for linux/amd64"):
            await connect().resolve(reference_on(server, "team/app:2"), amd64)

    assert IMAGE.digest == found.digest
