"""Identity tokens (OAuth2's refresh tokens) and registry tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from portus_images import RegistrySettings
from portus_scanners import Image, Layer, RegistryAuthError, RegistryError, RegistryUnavailableError, Secret
from portus_scanners_testing import LoopbackServer, ScriptedServer
from portus_scanners_testing.registry import StandInRegistry, TokenServer, TokenService

from .conftest import BUILT, MANIFEST, Connect, reference_on

REFRESH = "canary-refresh-token"


def identity(server: LoopbackServer, token: str = REFRESH) -> dict[str, RegistrySettings]:
    """Return settings with an identity token."""
    return {server.host: RegistrySettings(identity_token=Secret(token))}


def owned(server: LoopbackServer, token: str) -> dict[str, RegistrySettings]:
    """Return settings with a registry token."""
    return {server.host: RegistrySettings(registry_token=Secret(token))}


async def challenge(server: ScriptedServer, scheme: str = "Bearer") -> None:
    """Let in whoever has the token ``good``."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") == "Bearer good":
            return web.Response(body=BUILT.manifest, content_type=BUILT.media_type)
        header = f'{scheme} realm="{server.url}/token?a=b",service="me & you"'
        return web.Response(status=401, headers={"WWW-Authenticate": header})

    server.script(MANIFEST, answer)


async def test_an_identity_token_is_exchanged_by_post(connect: Connect) -> None:
    """The form is that of distribution's ``oauth.md``; nothing secret is in the address or a header."""
    forms = []

    async def issue(request: web.BaseRequest) -> web.StreamResponse:
        forms.append((request.method, request.content_type, parse_qs((await request.read()).decode())))
        return web.json_response({"access_token": "good", "expires_in": 300, "refresh_token": "another"})

    async with ScriptedServer() as server:
        await challenge(server)
        server.script("/token", issue)
        found = await connect(identity(server)).resolve(reference_on(server))
        (asked,) = [request for request in server.requests if request.path == "/token"]

    expected = {
        "grant_type": ["refresh_token"],
        "service": ["me & you"],
        "client_id": ["portus-scanners"],
        "scope": ["repository:team/app:pull"],
        "refresh_token": [REFRESH],
    }
    assert BUILT.digest == found.digest
    assert [("POST", "application/x-www-form-urlencoded", expected)] == forms
    assert ("a=b", None) == (asked.query, asked.headers.get("Authorization"))


async def test_the_stand_ins_token_service_takes_it_too(connect: Connect, tmp_path: Path) -> None:
    """As found in Docker's file; the token is renewed in the same way."""
    service = TokenService(identity_token=REFRESH)
    async with TokenServer(service) as tokens, StandInRegistry(auth="token", token_server=tokens) as server:
        server.push("team/app", "1", BUILT)
        entry = {"auth": "PHRva2VuPjo=", "identitytoken": REFRESH}
        (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: entry}}))
        client = connect(DOCKER_CONFIG=str(tmp_path))
        image = await client.resolve(reference_on(server))
        await client.blob(image, image.layers[0], renew=True)

        assert ["POST"] * len(tokens.requests) == [request.method for request in tokens.requests]
        assert 2 == len(tokens.issued)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_an_identity_token_that_is_refused_is_named_by_its_origin(connect: Connect, status: int) -> None:
    """OAuth2 refuses with 400; the token is in no message."""
    async with ScriptedServer() as server:
        await challenge(server)
        body = {"error": "invalid_grant", "error_description": f"unknown {REFRESH}"}
        server.script("/token", body, status=status)
        with pytest.raises(
            RegistryAuthError, match="refuses the credentials for the identity token of registries"
        ) as caught:
            await connect(identity(server)).resolve(reference_on(server))

    assert REFRESH not in str(caught.value)
    assert ("token", status) == (caught.value.step, caught.value.status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_an_identity_token_goes_nowhere_else(connect: Connect, status: int) -> None:
    """A redirect of the form is not followed to another host."""
    async with ScriptedServer() as other, ScriptedServer() as server:
        await challenge(server)
        server.redirect("/token", f"{other.url}/token", status=status)
        with pytest.raises(RegistryError, match="redirects a log-in"):
            await connect(identity(server)).resolve(reference_on(server))

        assert [] == other.requests


async def test_a_form_is_sent_on_within_its_host(connect: Connect) -> None:
    """With 307 and 308, which keep it."""
    async with ScriptedServer() as server:
        await challenge(server)
        server.redirect("/token", "/other", status=308)
        server.script("/other", {"token": "good"}, method="POST")
        found = await connect(identity(server)).resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_basic_authentication_has_no_use_for_an_identity_token(connect: Connect) -> None:
    """The message says so, and it is not sent."""
    async with ScriptedServer() as server:
        await challenge(server, "Basic")
        with pytest.raises(
            RegistryAuthError, match=r"identity token of registries.*token services only.*or docker login"
        ):
            await connect(identity(server)).resolve(reference_on(server))

        assert [None] == server.asked(MANIFEST)


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
async def test_a_registry_token_is_sent_as_it_is(connect: Connect, scheme: str) -> None:
    """No token service is asked; where the registry's root asks for nothing, it is sent at once."""
    async with ScriptedServer() as server:
        await challenge(server, scheme)
        client = connect(owned(server, "good"))
        found = await client.resolve(reference_on(server))
        image = Image(reference=reference_on(server), digest=BUILT.digest)
        access = await client.blob(image, Layer(digest=BUILT.layers[0].digest))

        assert (BUILT.digest, {"Authorization": "Bearer good"}) == (found.digest, access.headers)
        assert (["Bearer good"], []) == (server.asked(MANIFEST), server.asked("/token"))


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
async def test_a_registry_token_that_is_refused_is_named_by_its_origin(connect: Connect, scheme: str) -> None:
    """Whoever made it has to make another."""
    async with ScriptedServer() as server:
        await challenge(server, scheme)
        with pytest.raises(
            RegistryAuthError, match=r"does not let the token of registries: .* pull team/app"
        ) as caught:
            await connect(owned(server, "canary")).resolve(reference_on(server))

    assert "canary" not in str(caught.value)


async def test_a_registry_token_may_be_exchanged_meanwhile(connect: Connect, tmp_path: Path) -> None:
    """A file is read anew for each request that it is for."""
    path = tmp_path / "token"
    path.write_text("old")
    async with ScriptedServer() as server:
        await challenge(server)
        client = connect({server.host: RegistrySettings(registry_token_file=str(path))})
        with pytest.raises(RegistryAuthError):
            await client.resolve(reference_on(server))
        path.write_text("good\n")
        found = await client.resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_a_form_is_sent_again_like_other_requests(connect: Connect, pauses: list[float]) -> None:
    """After a 503."""
    answers: list[Any] = [{"token": "good"}]
    async with ScriptedServer() as server:
        await challenge(server)

        async def issue(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=503) if len(server.requests) % 2 else web.json_response(answers[0])

        server.script("/token", issue)
        found = await connect(identity(server)).resolve(reference_on(server))
        assert BUILT.digest == found.digest

        server.script("/token", status=503)
        with pytest.raises(RegistryUnavailableError):
            await connect(identity(server)).resolve(reference_on(server))
