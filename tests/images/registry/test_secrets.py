"""Passwords and tokens are on the wire and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from portus_images import RegistrySettings
from portus_scanners import PortusError, Reference, Secret
from portus_scanners_testing import Reply, ScriptedServer

from .conftest import BUILT, MANIFEST, Connect

PASSWORD = "canary-password-4711"
TOKEN = "canary-token-4712"
ENCODED = b64encode(f"user:{PASSWORD}".encode()).decode()
CANARIES = (PASSWORD, TOKEN, ENCODED)


def texts_of(error: BaseException | None) -> Iterator[str]:
    """Yield every text of an exception and of all that it came from."""
    while error is not None:
        yield f"{error} {error!r} {error.args!r} {getattr(error, '__notes__', '')}"
        yield "".join(traceback.format_exception(error))
        yield from texts_of(error.__cause__)
        error = error.__context__


def leaks(text: str) -> list[str]:
    """Return the secrets in a text."""
    return [canary for canary in CANARIES if canary in text]


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    """Fail, and repeat all that was sent and more."""
    sent = request.headers.get("Authorization", "")
    known = f"{TOKEN} {PASSWORD} {ENCODED}" if sent.startswith("Bearer") else f"{PASSWORD} {ENCODED}"
    said = {"errors": [{"code": "DENIED", "message": f"not with {sent} {known}"}]}
    return web.Response(status=403, body=json.dumps(said).encode())


async def break_http(request: web.BaseRequest) -> web.StreamResponse:
    """Answer what no parser of HTTP takes."""
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 abc nonsense\r\n\r\n")
    request.transport.close()
    return web.Response()


async def close(request: web.BaseRequest) -> web.StreamResponse:
    """Hang up."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def refuse(request: web.BaseRequest) -> web.StreamResponse:
    """Never let anybody in."""
    sent = request.headers.get("Authorization", "")
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'}, text=sent)


async def page(_request: web.BaseRequest) -> web.StreamResponse:
    """Answer a page."""
    return web.Response(text="<html></html>", content_type="text/html")


def after_login(handler: Any, challenge: str) -> Any:
    """Challenge whoever sends nothing; then do the worst."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return await handler(request)

    return answer


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All loggers at DEBUG."""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "asyncio"):
        yield caplog


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all records, written out with their arguments."""
    return "\n".join(f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records)


@pytest.mark.parametrize("handler", [echo, break_http, close, refuse, page])
@pytest.mark.parametrize("kind", ["basic", "bearer"])
async def test_no_failure_shows_a_secret(
    connect: Connect, everything_logged: pytest.LogCaptureFixture, handler: Any, kind: str
) -> None:
    """In no message, repr, traceback, cause or context, and in no log, whatever the registry does."""
    asyncio.get_running_loop().set_debug(True)
    async with ScriptedServer() as server:
        challenge = f'Bearer realm="{server.url}/token"' if kind == "bearer" else 'Basic realm="x"'
        server.script(MANIFEST, after_login(handler, challenge))
        server.script("/token", {"token": TOKEN})
        client = connect({server.host: RegistrySettings(username="user", password=Secret(PASSWORD))})
        with pytest.raises(PortusError) as caught:
            await client.resolve(Reference.parse(f"{server.host}/team/app:1"))

        assert [] == leaks("\n".join(texts_of(caught.value)))
        assert any(value for value in server.asked(MANIFEST))
    assert "HTTP" in logged(everything_logged)
    assert [] == leaks(logged(everything_logged))


@pytest.mark.parametrize("handler", [echo, break_http, close, page])
async def test_no_failure_of_the_token_service_shows_a_secret(
    connect: Connect, everything_logged: pytest.LogCaptureFixture, handler: Any
) -> None:
    """Nor does an answer that holds a token which can't be used."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, after_login(page, f'Bearer realm="{server.url}/token"'))
        server.script("/token", handler)
        client = connect({server.host: RegistrySettings(username="user", password=Secret(PASSWORD))})
        with pytest.raises(PortusError) as caught:
            await client.resolve(Reference.parse(f"{server.host}/team/app:1"))

    assert [] == leaks("\n".join(texts_of(caught.value)))
    assert [] == leaks(logged(everything_logged))


@pytest.mark.parametrize("token", [f"{TOKEN}\r\nX: 1", f"{TOKEN} {TOKEN}", f"{TOKEN}\ud800"])
async def test_a_token_that_is_refused_is_not_shown(connect: Connect, token: str) -> None:
    """It may work elsewhere."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, after_login(page, f'Bearer realm="{server.url}/token"'))
        server.script("/token", {"token": token})
        with pytest.raises(PortusError) as caught:
            await connect().resolve(Reference.parse(f"{server.host}/team/app:1"))

    assert [] == leaks("\n".join(texts_of(caught.value)))


@pytest.mark.parametrize(
    "text",
    [
        f'{{"auths": {{"HOST": {{"auth": "{ENCODED}" }}}}',
        f'{{"auths": {{"HOST": {{"username": "user", "password": "{PASSWORD}\\n"}}}}}}',
        json.dumps({"auths": {"HOST": {"auth": b64encode(f"{PASSWORD}".encode()).decode()}}}),
        json.dumps({"auths": {"HOST": {"auth": b64encode(f"user:{PASSWORD}".encode() + b"\xff").decode()}}}),
    ],
)
async def test_a_login_that_cannot_be_read_is_not_shown(connect: Connect, tmp_path: Path, text: str) -> None:
    """Docker's file holds passwords of other registries too."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, after_login(page, "Basic"))
        (tmp_path / "config.json").write_text(text.replace("HOST", server.host))
        with pytest.raises(PortusError) as caught:
            await connect(DOCKER_CONFIG=str(tmp_path)).resolve(Reference.parse(f"{server.host}/team/app:1"))

    assert [] == leaks("\n".join(texts_of(caught.value)))


async def test_a_success_shows_no_secret_either(connect: Connect, everything_logged: pytest.LogCaptureFixture) -> None:
    """Neither the logs nor the image nor the client."""
    async with ScriptedServer() as server:

        async def answer(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(body=BUILT.manifest, content_type=BUILT.media_type)

        wanted = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
        server.script("/v2/", Reply(status=401, headers=wanted))
        server.script(MANIFEST, after_login(answer, f'Bearer realm="{server.url}/token"'))
        server.script("/token", {"token": TOKEN})
        client = connect({server.host: RegistrySettings(username="user", password=Secret(PASSWORD))})
        image = await client.resolve(Reference.parse(f"{server.host}/team/app:1"))
        access = await client.blob(image, image.layers[0])

    assert f"Bearer {TOKEN}" == access.headers["Authorization"]
    assert [] == leaks(f"{image!r} {access!r} {vars(client)!r} {logged(everything_logged)}")


async def half(request: web.BaseRequest) -> web.StreamResponse:
    """Put what was sent where a short excerpt ends in the middle of it."""
    return web.Response(status=403, text=" " * 790 + request.headers["Authorization"])


async def test_an_excerpt_shows_no_half_of_a_secret(connect: Connect) -> None:
    """What is masked is masked before anything is cut."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, after_login(half, f'Bearer realm="{server.url}/token"'))
        server.script("/token", {"token": TOKEN})
        with pytest.raises(PortusError) as caught:
            await connect().resolve(Reference.parse(f"{server.host}/team/app:1"))

    assert "canary" not in str(caught.value)
