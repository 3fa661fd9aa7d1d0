"""What the stand-ins are told: a word that they do not know is an error; scripts can look at a request's body."""

from __future__ import annotations

import asyncio
import gc
import io
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from portus_scanners_testing import Delay, ScriptedServer, StandInRegistry, Status
from portus_scanners_testing.registry import Auth


@pytest.fixture(name="http")
async def _http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("word", ["bearer", "Basic", "", None])
def test_a_registry_knows_three_words(word: object) -> None:
    """Another word for what a registry asks for is an error that names the right ones, at once and later."""
    wrong = cast("Auth", word)
    with pytest.raises(ValueError, match="it can be open, basic, token"):
        StandInRegistry(auth=wrong)
    registry = StandInRegistry()
    with pytest.raises(ValueError, match="not a valid auth"):
        registry.auth = wrong
    assert "open" == registry.auth


@pytest.mark.parametrize(
    "script",
    [
        lambda server: server.script("/", method="get"),
        lambda server: server.faults.add("/", Status(500), method="Post"),
    ],
)
def test_methods_are_in_upper_case(script: Callable[[ScriptedServer], Any]) -> None:
    """A method that no request has would never be answered: it is an error."""
    with pytest.raises(ValueError, match="in upper case"):
        script(ScriptedServer())


async def test_a_script_can_match_a_body(http: aiohttp.ClientSession) -> None:
    """By a pattern of its text, or by JSON, whose objects may have more members; what was scripted last counts."""
    async with ScriptedServer() as server:
        server.script("/scan", "any")
        server.script("/scan", "json", body={"image": {"name": "a"}, "deep": True})
        server.script("/scan", "text", body="*image=b*")

        async def ask(**how: Any) -> str:
            async with http.post(f"{server.url}/scan", **how) as answer:
                return await answer.text()

        asked = {"image": {"name": "a", "tag": "1"}, "deep": True, "more": 1}
        answers = [await ask(json=asked), await ask(data={"image": "b"}), await ask(json={"image": "a"}), await ask()]
        assert ["json", "text", "any", "any"] == answers
        assert asked == server.requests[0].json()
        assert [b"image=b", b""] == [server.requests[number].body for number in (1, 3)]


async def test_a_body_belongs_to_its_request(http: aiohttp.ClientSession) -> None:
    """Requests that are answered later than others keep their own bodies, of any length."""
    async with ScriptedServer() as server:
        for number in range(3):
            server.script("/", str(number), body=f"{number}*")
        server.faults.add("/", Delay(0.05), times=1)
        bodies = [io.BytesIO(str(number).encode() * 2_000_000) for number in range(3)]

        async def ask(body: io.BytesIO) -> str:
            async with http.post(server.url, data=body) as answer:
                return await answer.text()

        assert ["0", "1", "2"] == await asyncio.gather(*map(ask, bodies))


async def test_a_body_can_be_read_in_each_way(http: aiohttp.ClientSession) -> None:
    """A handler reads the body at once, as a stream, or both: it was recorded, not taken away."""

    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        chunks = [chunk async for chunk in request.content.iter_chunked(3)]
        return web.Response(body=b"".join(chunks) + await request.read() + await request.content.read())

    async with ScriptedServer() as server:
        server.script("/", echo)
        async with http.post(server.url, data=b"a body") as answer:
            assert b"a body" * 3 == await answer.read()


@pytest.mark.parametrize("tls", [False, True])
def test_no_connection_is_left_open(tls: bool) -> None:
    """Connections of any moment are closed with the server: new ones, ones with a request, ones amid a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None

    async def run() -> None:
        sockets = []
        async with ScriptedServer(tls=context) as server:
            address = "127.0.0.1", int(server.host.rpartition(":")[2])
            for turns in range(8):
                one = socket.create_connection(address)
                sockets.append(one)
                if turns % 2:
                    one.sendall(b"GET / HTTP/1.1\r\n")
                for _ in range(turns):
                    await asyncio.sleep(0)
        for one in sockets:
            one.close()

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(5):
            asyncio.run(run())
        gc.collect()
    assert [] == [str(one.message) for one in seen]
