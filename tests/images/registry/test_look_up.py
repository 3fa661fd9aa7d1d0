"""What has not changed costs a HEAD, and no configuration is fetched twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from portus_images import InvalidManifestError
from portus_scanners import ImageNotFoundError
from portus_scanners_testing import Reply, ScriptedServer
from portus_scanners_testing.images import filler_layer, make_image, make_index
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, MANIFEST, Connect, reference_on, tell

OTHER = make_image(filler_layer("other"))
INDEX = make_index(BUILT, make_image(filler_layer("arm"), architecture="arm64"))


def asked(server: Any, kind: str) -> list[str]:
    """Return the methods of the requests for manifests or blobs."""
    return [request.method for request in server.requests if f"/{kind}/" in request.path]


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
@pytest.mark.parametrize("pushed", [BUILT, INDEX])
async def test_what_has_not_changed_costs_a_head(connect: Connect, auth: Any, pushed: Any) -> None:
    """Neither a GET of the manifest nor one of the configuration; the digest is the tag's, that of the index too."""
    async with StandInRegistry(auth=auth) as server:
        server.push("team/app", "1", pushed)
        client = connect(None if auth == "open" else tell(server))
        first = await client.look_up(reference_on(server))
        server.requests.clear()
        second = await client.look_up(reference_on(server), pointer=first.pointer or "")

    assert first.image is not None
    assert (BUILT.digest, pushed.digest) == (first.image.digest, first.pointer)
    assert (None, pushed.digest) == (second.image, second.pointer)
    assert ({"HEAD"}, []) == (set(asked(server, "manifests")), asked(server, "blobs"))


async def test_a_tag_that_has_moved_is_resolved(connect: Connect) -> None:
    """And so is one that was not asked for before; one that is gone is an error."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", OTHER)
        moved = await connect().look_up(reference_on(server), pointer=BUILT.digest)
        server.remove("team/app", OTHER.digest)
        with pytest.raises(ImageNotFoundError):
            await connect().look_up(reference_on(server), pointer=OTHER.digest)

    assert moved.image is not None
    assert (OTHER.digest, OTHER.digest) == (moved.image.digest, moved.pointer)


@pytest.mark.parametrize(
    "stated", [[], ["nonsense"], [OTHER.digest], [BUILT.digest.upper()], [BUILT.digest, OTHER.digest]]
)
async def test_a_header_that_is_not_the_bodys_digest_decides_nothing(connect: Connect, stated: list[str]) -> None:
    """It may be that of a list, and stay as it is when the image changes: then the manifest itself is asked for."""

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(body=BUILT.manifest, content_type=BUILT.media_type)
        for digest in stated:
            response.headers.add("Docker-Content-Digest", digest)
        return response

    async with ScriptedServer() as server:
        server.script(MANIFEST, answer)
        found = await connect().look_up(reference_on(server))

    assert found.image is not None
    assert (BUILT.digest, None) == (found.image.digest, found.pointer)


async def test_the_configuration_of_a_known_image_is_not_fetched(connect: Connect) -> None:
    """Where the header decides nothing, the manifest does; what the caller knows already is not asked for."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        found = await connect().look_up(reference_on(server), image=BUILT.digest)

    assert found.image is not None
    assert (BUILT.digest, []) == (found.image.digest, asked(server, "blobs"))


async def test_of_one_configuration_the_platform_is_asked_for_once(connect: Connect) -> None:
    """Whatever the tags and the repository, at once and later: a digest's content does not change."""
    async with StandInRegistry() as server:
        for repository in ("team/app", "team/copy"):
            for tag in ("1", "2", "latest"):
                server.push(repository, tag, BUILT)
        client = connect()
        tags = [reference_on(server, f"team/app:{tag}") for tag in ("1", "2", "latest")]
        found = await asyncio.gather(*map(client.resolve, tags))
        found += [await client.resolve(reference_on(server, "team/copy:1"))]

    assert ["linux/amd64"] * 4 == [str(image.platform) for image in found]
    assert ["GET"] == asked(server, "blobs")


async def test_where_a_reference_points_to_costs_a_head(connect: Connect) -> None:
    """Of a tag and of a digest; what is not there is an error after that one HEAD."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        client = connect()
        await client.locate(reference_on(server))
        server.requests.clear()
        for name in ("team/app:1", f"team/app@{BUILT.digest}"):
            assert BUILT.digest == await client.locate(reference_on(server, name))
        with pytest.raises(ImageNotFoundError):
            await client.locate(reference_on(server, "team/app:2"))
    assert ["HEAD"] * 3 == [request.method for request in server.requests]


async def test_where_a_registry_states_no_digest_the_manifest_does(connect: Connect) -> None:
    """A digest that is another than the one that was asked for is an error."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, BUILT.manifest, content_type=BUILT.media_type)
        assert BUILT.digest == await connect().locate(reference_on(server))
    async with ScriptedServer() as server:
        path = f"/v2/team/app/manifests/{OTHER.digest}"
        server.script(path, Reply(headers={"Docker-Content-Digest": BUILT.digest}))
        with pytest.raises(InvalidManifestError, match="it has another digest"):
            await connect().locate(reference_on(server, f"team/app@{OTHER.digest}"))
