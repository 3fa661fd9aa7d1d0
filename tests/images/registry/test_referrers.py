"""What refers to an image, and what it holds."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from aiohttp import web
from attrs import evolve
from portus_images import InvalidManifestError, RegistrySettings
from portus_images.registry.lists import make_tag
from portus_scanners import (
    Image,
    ImageNotFoundError,
    Reference,
    Referrer,
    RegistryAuthError,
    RegistryError,
    RegistryUnavailableError,
    Secret,
)
from portus_scanners_testing import ScriptedServer, StandInContext, Status
from portus_scanners_testing.images import OCI_INDEX, BuiltImage, digest_of, make_artifact
from portus_scanners_testing.registry import StandInRegistry, describe_referrers

from .conftest import BUILT, LOGIN, Connect

SPDX, SIGNATURE = "application/spdx+json", "application/vnd.dev.sigstore.bundle.v0.3+json"
SBOM = make_artifact(BUILT, SPDX, b'{"spdxVersion": "SPDX-2.3"}', annotations={"org.example.tool": "made up"})
SIGNED = make_artifact(BUILT, SIGNATURE, b'{"made": "up"}')
MANY = [make_artifact(BUILT, SPDX, b"%d" % number) for number in range(5)]


def image_on(server: Any, **members: Any) -> Image:
    """Return the image as another client would have resolved it."""
    reference = Reference.parse(f"{server.host}/team/app:1")
    return evolve(Image(reference=reference, digest=BUILT.digest), **members)


def stock(server: StandInRegistry, *artifacts: BuiltImage) -> Image:
    """Push the image and these artifacts."""
    server.push("team/app", "1", BUILT)
    for artifact in artifacts:
        server.push("team/app", "", artifact)
    return image_on(server)


@pytest.mark.parametrize("api", [True, False], ids=["api", "tag"])
@pytest.mark.parametrize("auth", ["open", "token"])
async def test_all_that_refers_to_an_image_is_listed(connect: Connect, api: bool, auth: Any) -> None:
    """By the API, or by the tag that stands for it where the registry answers 404."""
    async with StandInRegistry(referrers=api, auth=auth) as server:
        image = stock(server, SBOM, SIGNED)
        found = await connect({server.host: RegistrySettings(**LOGIN)}).referrers(image)

    expected = Referrer(
        digest=SBOM.digest,
        media_type=SBOM.media_type,
        size=len(SBOM.manifest),
        artifact_type=SPDX,
        annotations={"org.example.tool": "made up"},
    )
    assert expected == found[0]
    assert [SPDX, SIGNATURE] == [referrer.artifact_type for referrer in found]


@pytest.mark.parametrize("api", [True, False], ids=["api", "tag"])
async def test_only_those_of_a_type_are_listed(connect: Connect, api: bool) -> None:
    """Whether the registry filters or not."""
    async with StandInRegistry(referrers=api) as server:
        image = stock(server, SBOM, SIGNED)
        client = connect()
        found = [await client.referrers(image, kind) for kind in (SPDX, SIGNATURE, "application/x.y")]

    assert [[SBOM.digest], [SIGNED.digest], []] == [[one.digest for one in group] for group in found]


@pytest.mark.parametrize("api", [True, False], ids=["api", "tag"])
async def test_an_image_without_referrers_has_none(connect: Connect, api: bool) -> None:
    """A 404 of both is no error."""
    async with StandInRegistry(referrers=api) as server:
        assert () == await connect().referrers(stock(server))


async def test_all_pages_are_read(connect: Connect) -> None:
    """As the header Link leads."""
    async with StandInRegistry(referrers=True) as server:
        server.referrers_page = 2
        image = stock(server, *MANY, SIGNED)
        found = await connect().referrers(image, SPDX)
        asked = [request.target for request in server.requests if "/referrers/" in request.path]

    assert {artifact.digest for artifact in MANY} == {referrer.digest for referrer in found}
    assert 3 == len(asked)


@pytest.mark.parametrize(
    "link",
    [
        '<http://elsewhere.example/v2/team/app/referrers/x>; rel="next"',
        '<//elsewhere.example/v2/team/app/referrers/x>; rel="next"',
        '</v2/other/app/referrers/x>; rel="next"',
        '</v2/team/app/referrers/../manifests/x>; rel="next"',
        '<../../../_catalog>; rel="next"',
        '<http://[>; rel="next"',
        '<>; rel="next"',
    ],
)
async def test_a_next_page_elsewhere_is_not_followed(connect: Connect, link: str) -> None:
    """Neither another host nor another repository; to leave it out in silence would lose what is there."""
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    async with ScriptedServer() as server:
        path = f"/v2/team/app/referrers/{BUILT.digest}"
        server.script(path, body, content_type=OCI_INDEX, headers={"Link": link})
        with pytest.raises(InvalidManifestError, match="next page") as caught:
            await connect().referrers(image_on(server))

    assert "referrers" == caught.value.step


async def test_a_next_page_may_be_named_by_its_whole_address(connect: Connect) -> None:
    """Of this registry."""
    async with ScriptedServer() as server:
        path = f"/v2/team/app/referrers/{BUILT.digest}"
        for name, artifact in ((path, SBOM), (f"{path}?page=2", SIGNED)):
            link = {"Link": f'<{server.url}{path}?page=2>; rel="next"'} if name == path else {}
            server.script(name, describe_referrers([artifact]), content_type=OCI_INDEX, headers=link)
        found = await connect().referrers(image_on(server))

    assert [SBOM.digest, SIGNED.digest] == [referrer.digest for referrer in found]


async def test_pages_have_an_end(connect: Connect) -> None:
    """A page that leads to itself is read twenty times."""
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    async with ScriptedServer() as server:
        path = f"/v2/team/app/referrers/{BUILT.digest}"
        server.script(path, body, content_type=OCI_INDEX, headers={"Link": f'<{path}>; rel="next"'})
        with pytest.raises(InvalidManifestError, match="more than 20 pages"):
            await connect().referrers(image_on(server))

        assert 20 == sum("/referrers/" in request.path for request in server.requests)


async def test_what_is_no_list_is_refused(connect: Connect) -> None:
    """A page of a log-in, or a manifest."""
    async with ScriptedServer() as server:
        path = f"/v2/team/app/referrers/{BUILT.digest}"
        server.script(path, BUILT.manifest, content_type=BUILT.media_type)
        with pytest.raises(InvalidManifestError, match="not an index"):
            await connect().referrers(image_on(server))
        server.script(path, b"<html>", content_type="text/html")
        with pytest.raises(InvalidManifestError, match="text/html"):
            await connect().referrers(image_on(server))


async def test_a_registry_that_is_out_of_order_is_no_image_without_referrers(connect: Connect) -> None:
    """Only those answers mean that there is no API that registries without one give."""
    async with StandInRegistry(referrers=True) as server:
        image = stock(server, SBOM)
        server.faults.add("/v2/team/app/referrers/*", Status(503))
        with pytest.raises(RegistryUnavailableError):
            await connect().referrers(image)


async def test_refused_credentials_are_an_error(connect: Connect) -> None:
    """Of the list as of everything else."""
    async with StandInRegistry(referrers=True, auth="token") as server:
        image = stock(server, SBOM)
        with pytest.raises(RegistryAuthError):
            await connect({server.host: RegistrySettings(username="nobody", password=Secret("wrong"))}).referrers(image)


async def test_a_blob_and_a_manifest_are_fetched_by_their_digest(connect: Connect) -> None:
    """With the registry's token; verified."""
    async with StandInRegistry(referrers=True, auth="token") as server:
        image = stock(server, SBOM)
        client = connect({server.host: RegistrySettings(**LOGIN)})
        manifest = await client.fetch(image, SBOM.digest, max_size=10_000)
        blob = await client.fetch(image, SBOM.layers[0].digest, max_size=len(SBOM.layers[0].data))

    assert (SBOM.manifest, SBOM.layers[0].data) == (manifest, blob)


async def test_what_is_longer_than_allowed_is_not_fetched(connect: Connect) -> None:
    """The reader says how much it can take."""
    async with StandInRegistry() as server:
        image = stock(server, SBOM)
        with pytest.raises(InvalidManifestError, match="longer than 5 bytes"):
            await connect().fetch(image, SBOM.layers[0].digest, max_size=5)


async def test_what_is_not_there_is_not_found(connect: Connect) -> None:
    """Neither as a blob nor as a manifest."""
    async with StandInRegistry() as server:
        with pytest.raises(ImageNotFoundError):
            await connect().fetch(stock(server), SBOM.digest, max_size=100)


async def test_another_content_is_refused(connect: Connect) -> None:
    """Whatever the registry says."""
    digest = f"sha512:{hashlib.sha512(b'right').hexdigest()}"
    async with ScriptedServer() as server:
        server.script(f"/v2/team/app/blobs/{digest}", b"wrong")
        with pytest.raises(RegistryError, match="another digest"):
            await connect().fetch(image_on(server), digest, max_size=100)
        server.script(f"/v2/team/app/blobs/{digest}", b"right")
        assert b"right" == await connect().fetch(image_on(server), digest, max_size=100)


@pytest.mark.parametrize("digest", ["", "nonsense", "sha256:../x", "md5:" + "a" * 32])
async def test_what_is_no_digest_gets_into_no_address(connect: Connect, digest: str) -> None:
    """Nothing is asked for."""
    async with StandInRegistry() as server:
        image = stock(server)
        with pytest.raises(InvalidManifestError, match="digest"):
            await connect().fetch(image, digest, max_size=100)
        with pytest.raises(InvalidManifestError, match="digest"):
            await connect().referrers(evolve(image, digest=digest or "x"))

        assert [] == server.requests


async def test_credentials_stay_with_the_registry(connect: Connect) -> None:
    """A blob that lies elsewhere is fetched without them."""
    digest = digest_of(b"elsewhere")
    async with ScriptedServer() as storage, ScriptedServer() as server:

        async def answer(request: web.BaseRequest) -> web.Response:
            if "Authorization" not in request.headers:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return web.Response(status=307, headers={"Location": f"{storage.url}/blob"})

        storage.script("/blob", b"elsewhere")
        server.script(f"/v2/team/app/blobs/{digest}", answer)
        client = connect({server.host: RegistrySettings(**LOGIN)})
        found = await client.fetch(image_on(server), digest, max_size=100)

        assert b"elsewhere" == found
        assert [None] == [request.headers.get("Authorization") for request in storage.requests]


def test_the_tag_is_the_specifications() -> None:
    """Algorithm and digest with a hyphen, cut to what a tag can hold."""
    assert "sha256-" + "a" * 64 == make_tag("sha256:" + "a" * 64)
    assert "sha512-" + "b" * 64 == make_tag("sha512:" + "b" * 128)


async def test_outside_an_engine_there_is_nothing() -> None:
    """The stand-in that a scanner has in its author's tests."""
    context, image = StandInContext(), Image(reference=Reference.parse("a/b"), digest=BUILT.digest)

    assert () == await context.referrers(image)
    with pytest.raises(RegistryError, match="no registry"):
        await context.fetch(image, BUILT.digest, max_size=1)
