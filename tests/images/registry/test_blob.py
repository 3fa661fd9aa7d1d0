"""Layers become URLs and headers that a backend can use."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import evolve
from portus_images import InvalidManifestError, NotInRegistryError, Registry, RegistrySettings
from portus_scanners import BlobAccess, BlobHead, Image, Layer, Reference, RegistryAuthError, RegistryUnavailableError
from portus_scanners_testing import Disconnect, ScriptedServer, StandInRegistry, Status
from portus_scanners_testing.images import filler_layer, make_image

from .conftest import LOGIN, Clock, Connect

BUILT = make_image(filler_layer("base"), filler_layer("top"))


def image_on(server: Any) -> Image:
    """Return the image as another client would have resolved it."""
    layers = [Layer(digest=layer.digest, size=len(layer.data)) for layer in BUILT.layers]
    reference = Reference.parse(f"{server.host}/team/app:1")
    return Image(reference=reference, digest=BUILT.digest, media_type=BUILT.media_type, layers=layers)


def stock(server: StandInRegistry) -> Image:
    """Push the image and return it."""
    server.push("team/app", "1", BUILT)
    return image_on(server)


async def pull(access: BlobAccess) -> tuple[int, bytes]:
    """Do what a backend does."""
    async with aiohttp.ClientSession() as http, http.get(access.url, headers=access.headers) as response:
        return response.status, await response.read()


def tell(server: Any) -> dict[str, RegistrySettings]:
    """Return settings with the stand-in's account."""
    return {server.host: RegistrySettings(**LOGIN)}


@pytest.mark.parametrize(("auth", "kind"), [("open", "Basic"), ("basic", "Basic"), ("token", "Bearer")])
@pytest.mark.parametrize("resolved", [False, True])
async def test_a_backend_gets_what_the_registry_wants(connect: Connect, auth: Any, kind: str, resolved: bool) -> None:
    """Configured credentials, also for a registry that asks for none, and an image that another client resolved."""
    async with StandInRegistry(auth=auth) as server:
        image = stock(server)
        client = connect(tell(server))
        if resolved:
            image = await client.resolve(image.reference)
        access = await client.blob(image, image.layers[1])

        assert f"{server.url}/v2/team/app/blobs/{image.layers[1].digest}" == access.url
        assert [kind] == [value.split()[0] for value in access.headers.values()]
        assert (200, BUILT.layers[1].data) == await pull(access)


async def test_a_token_is_used_again_while_it_is_good_for_a_minute(connect: Connect, clock: Clock) -> None:
    """And not a second longer."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        server.tokens.issuer.lifetime = 300
        client = connect(tell(server))
        first = await client.blob(image, image.layers[0])
        clock.now += 239
        second = await client.blob(image, image.layers[1])
        clock.now += 2
        third = await client.blob(image, image.layers[1])

    assert first.headers == second.headers
    assert second.headers != third.headers


async def test_a_token_for_our_own_requests_lives_longer(connect: Connect, clock: Clock) -> None:
    """Ten seconds are enough for a request of ours."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        server.tokens.issuer.lifetime = 300
        client = connect(tell(server))
        await client.resolve(image.reference)
        clock.now += 285
        await client.resolve(image.reference)
        assert 1 == len(server.issued)
        clock.now += 10
        await client.resolve(image.reference)

        assert 2 == len(server.issued)


async def test_a_token_that_lives_less_than_a_minute_is_issued_for_each_pull(connect: Connect) -> None:
    """Newly issued is the best that there is."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        server.tokens.issuer.lifetime = 30
        client = connect(tell(server))
        tokens = [(await client.blob(image, image.layers[0])).headers["Authorization"] for _ in range(3)]

    assert 3 == len(set(tokens))


async def test_new_credentials_can_be_asked_for(connect: Connect) -> None:
    """``renew`` does not take the cached token."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        client = connect(tell(server))
        first = await client.blob(image, image.layers[0])
        second = await client.blob(image, image.layers[0], renew=True)
        third = await client.blob(image, image.layers[0])

    assert first.headers != second.headers
    assert second.headers == third.headers


async def test_all_who_renew_at_once_share_one_token(connect: Connect) -> None:
    """A backend's failures come in crowds."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        client = connect(tell(server))
        await client.resolve(image.reference)
        found = await asyncio.gather(*(client.blob(image, image.layers[0], renew=True) for _ in range(20)))

        assert 2 == len(server.issued)
    assert 1 == len({access.headers["Authorization"] for access in found})


async def test_a_registry_that_was_open_and_is_no_longer_is_asked_anew(connect: Connect) -> None:
    """``renew`` finds out."""
    async with StandInRegistry(auth="open") as server:
        image = stock(server)
        client = connect(tell(server))
        before = await client.blob(image, image.layers[0])
        server.auth = "token"
        after = await client.blob(image, image.layers[0], renew=True)

        assert ["Basic"] == [value.split()[0] for value in before.headers.values()]
        assert (200, BUILT.layers[0].data) == await pull(after)


async def test_a_repository_that_is_open_is_not_asked_twice(connect: Connect) -> None:
    """What is known is remembered."""
    async with StandInRegistry() as server:
        image = stock(server)
        client = connect()
        await client.blob(image, image.layers[0])
        asked = len(server.requests)
        await client.blob(image, image.layers[1])

        assert asked == len(server.requests)


async def test_a_foreign_layers_address_is_never_handed_on(connect: Connect) -> None:
    """A manifest must not send a backend wherever its author likes."""
    foreign = Layer(digest=BUILT.layers[0].digest, urls=("http://169.254.169.254/latest",))
    async with StandInRegistry() as server:
        image = evolve(stock(server), layers=(foreign,))
        client = connect()
        with pytest.raises(NotInRegistryError, match="foreign"):
            await client.blob(image, foreign)
        head = await client.head_blob(image, foreign)

        assert [] == server.requests
    assert 0 == head.status
    assert "foreign" in head.reason


@pytest.mark.parametrize("digest", ["sha256:../../x", "../x", "x?y", "sha256:" + "A" * 64])
async def test_a_digest_that_is_none_gets_into_no_address(connect: Connect, digest: str) -> None:
    """An image can come from a document that somebody else has written."""
    async with StandInRegistry() as server:
        image = stock(server)
        client = connect()
        with pytest.raises(InvalidManifestError, match="digest"):
            await client.blob(image, Layer(digest=digest))

        assert 0 == (await client.head_blob(image, Layer(digest=digest))).status
        assert [] == server.requests


async def test_without_credentials_the_error_says_where_to_put_them(connect: Connect) -> None:
    """No anonymous header is made up."""
    async with StandInRegistry(auth="basic") as server:
        image = stock(server)
        with pytest.raises(
            RegistryAuthError,
            match=r"no credentials for 127.*: docker login 127.*, or registries: 127.*: in the configuration",
        ):
            await connect().blob(image, image.layers[0])


@pytest.mark.parametrize("fault", [Status(503), Status(429), Disconnect()])
async def test_a_registry_that_is_out_of_order_gives_no_access(connect: Connect, fault: Any) -> None:
    """We can't tell what it would want."""
    async with StandInRegistry() as server:
        image = stock(server)
        server.faults.add("/v2/team/app/blobs/*", fault)
        with pytest.raises(RegistryUnavailableError):
            await connect().blob(image, image.layers[0])


async def test_the_head_of_a_blob_has_status_and_size(connect: Connect) -> None:
    """With the credentials that the registry wants."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        head = await connect(tell(server)).head_blob(image, image.layers[0])

    assert BlobHead(status=200, size=len(BUILT.layers[0].data)) == head


@pytest.mark.parametrize("status", [404, 416, 500, 503])
async def test_a_head_that_fails_is_a_value(connect: Connect, status: int) -> None:
    """The status, and words."""
    async with StandInRegistry() as server:
        image = stock(server)
        server.faults.add("/v2/team/app/blobs/*", Status(status, headers={"Content-Length": "0"}))
        head = await connect().head_blob(image, image.layers[0])

    assert BlobHead(status=status, size=None, reason=f"HTTP {status}") == head


async def test_a_head_without_answer_is_a_value_too(connect: Connect) -> None:
    """Status 0, and why."""
    async with StandInRegistry() as server:
        image = stock(server)
    head = await connect().head_blob(image, image.layers[0])

    assert 0 == head.status
    assert "can't be reached" in head.reason


async def test_a_head_without_credentials_is_a_value_too(connect: Connect) -> None:
    """The registry did answer: its status is kept."""
    async with StandInRegistry(auth="basic") as server:
        image = stock(server)
        head = await connect().head_blob(image, image.layers[0])

    assert 401 == head.status
    assert "no credentials" in head.reason


async def test_a_head_whose_token_service_fails_has_no_status_of_the_registry(connect: Connect) -> None:
    """A 503 of another server is none of the registry."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        server.faults.add("/token", Status(503))
        head = await connect(tell(server)).head_blob(image, image.layers[0])

    assert 0 == head.status
    assert "503" in head.reason


async def test_a_head_without_length_has_no_size(connect: Connect) -> None:
    """Some proxies leave it out."""
    async with ScriptedServer() as server:
        image = image_on(server)

        async def answer(_request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            return response

        server.script(f"/v2/team/app/blobs/{image.layers[0].digest}", answer)
        head = await connect().head_blob(image, image.layers[0])

    assert BlobHead(status=200, size=None) == head


async def test_a_head_follows_redirects_without_credentials(connect: Connect) -> None:
    """Storage elsewhere must not see them."""
    async with ScriptedServer() as storage, StandInRegistry(auth="basic") as server:
        image = stock(server)
        storage.script("/x", b"12345")
        server.faults.add(
            "/v2/team/app/blobs/*", Status(307, headers={"Location": f"{storage.url}/x?signature=1"}), method="HEAD"
        )
        client = connect(tell(server))
        await client.resolve(image.reference)
        head = await client.head_blob(image, image.layers[0])

        assert BlobHead(status=200, size=5) == head
        assert [None] == storage.asked("/x")


async def test_the_address_of_an_https_registry_is_https(connect: Connect, certificate: Any) -> None:
    """Whatever the client that resolved the image has found out is found out again."""
    async with StandInRegistry(auth="token", tls=certificate.server) as server:
        image = stock(server)
        client = connect({server.host: RegistrySettings(**LOGIN, ca_file=certificate.ca_file)})
        access = await client.blob(image, image.layers[0])

    assert access.url.startswith(f"https://{server.host}/v2/")
    assert ["Authorization"] == list(access.headers)


async def test_the_headers_of_an_access_are_not_shown(connect: Connect) -> None:
    """Its repr has their names only."""
    async with StandInRegistry(auth="basic") as server:
        image = stock(server)
        access = await connect(tell(server)).blob(image, image.layers[0])

    assert access.headers["Authorization"] not in repr(access)


async def test_clients_share_nothing(connect: Connect) -> None:
    """Tokens are cached in one client, not in the module."""
    async with StandInRegistry(auth="token") as server:
        image = stock(server)
        first: Registry = connect(tell(server))
        second: Registry = connect(tell(server))
        await first.blob(image, image.layers[0])
        await second.blob(image, image.layers[0])

        assert 2 == len(server.issued)
