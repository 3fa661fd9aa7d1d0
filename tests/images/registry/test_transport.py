"""Schemes, certificates, redirects: how a request reaches a registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from portus_images import InvalidManifestError, Registry, RegistrySettings
from portus_images.registry.hosts import HostSettings, is_loopback, name_registry
from portus_images.registry.transport import Proxies
from portus_images.registry.transport.sender import HostSessions
from portus_scanners import Image, Reference, RegistryError, RegistryUnavailableError
from portus_scanners_testing import ScriptedServer, StandInRegistry
from standins.certificates import make_certificate
from yarl import URL

from .conftest import BUILT, LOGIN, MANIFEST, Certificate, Connect


async def resolve(client: Registry, host: str) -> Image:
    """Resolve ``team/app:1`` on a host."""
    return await client.resolve(Reference.parse(f"{host}/team/app:1"))


async def test_a_registry_on_this_machine_may_speak_plain_http(connect: Connect) -> None:
    """It is asked for TLS first; what works is remembered."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        client = connect()
        await resolve(client, server.host)
        await resolve(client, server.host)

        assert 1 == [request.path for request in server.requests].count("/v2/")


async def test_localhost_is_this_machine(connect: Connect) -> None:
    """By its name as well."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        found = await resolve(connect(), server.host.replace("127.0.0.1", "localhost"))

    assert BUILT.digest == found.digest


async def test_many_who_ask_at_once_find_the_scheme_once(connect: Connect) -> None:
    """One search for all."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        client = connect()
        await asyncio.gather(*(resolve(client, server.host) for _ in range(20)))

        assert 1 == [request.path for request in server.requests].count("/v2/")


async def test_a_certificate_of_the_configured_authority_is_good(connect: Connect, certificate: Certificate) -> None:
    """``ca_file``."""
    async with StandInRegistry(auth="basic", tls=certificate.server) as server:
        server.push("team/app", "1", BUILT)
        client = connect({server.host: RegistrySettings(**LOGIN, ca_file=certificate.ca_file)})
        found = await resolve(client, server.host)

    assert BUILT.digest == found.digest


async def test_a_certificate_that_does_not_verify_is_never_answered_with_plain_http(
    connect: Connect, certificate: Certificate
) -> None:
    """TLS was answered: somebody may sit in between. The message names the cure."""
    async with StandInRegistry(tls=certificate.server) as server:
        server.push("team/app", "1", BUILT)
        client = connect()
        for _ in range(2):
            with pytest.raises(
                RegistryUnavailableError, match=r"certificate that can't be verified.*ca_file"
            ) as caught:
                await resolve(client, server.host)

        assert [] == server.requests
    assert "connect" == caught.value.step


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "20200101000000Z", "end": "20200102000000Z"}, "a certificate that has expired; renew it"),
        (
            {"start": "21000101000000Z", "end": "21000102000000Z"},
            "a certificate that is not valid yet; check the",
        ),
        ({"address": "registry.example"}, "a certificate for another host; use a name"),
    ],
)
async def test_a_certificate_that_no_authority_makes_valid(
    connect: Connect, tmp_path: Path, options: dict[str, str], message: str
) -> None:
    """Where a CA file does not help the message says what does."""
    made = await make_certificate(tmp_path, **options)
    async with StandInRegistry(tls=made.server_context()) as server:
        client = connect({server.host: RegistrySettings(ca_file=str(made.certificate_file))})
        with pytest.raises(RegistryUnavailableError, match=message) as caught:
            await resolve(client, server.host)
    assert "ca_file" not in str(caught.value)


async def test_an_insecure_registry_is_not_verified(connect: Connect, certificate: Certificate) -> None:
    """Somebody has said so."""
    async with StandInRegistry(tls=certificate.server) as server:
        server.push("team/app", "1", BUILT)
        found = await resolve(connect({server.host: RegistrySettings(insecure=True)}), server.host)

    assert BUILT.digest == found.digest


async def test_the_settings_of_one_host_are_not_those_of_another(connect: Connect, certificate: Certificate) -> None:
    """``insecure`` and ``ca_file`` hold for the host that they stand at."""
    async with StandInRegistry(tls=certificate.server) as server, StandInRegistry() as other:
        server.push("team/app", "1", BUILT)
        client = connect({other.host: RegistrySettings(insecure=True, ca_file=certificate.ca_file)})
        with pytest.raises(RegistryUnavailableError, match="certificate"):
            await resolve(client, server.host)


@pytest.mark.parametrize("content", [None, "nonsense"])
async def test_a_ca_file_that_cannot_be_used_is_named(connect: Connect, tmp_path: Any, content: str | None) -> None:
    """Missing, or no certificate."""
    path = tmp_path / "authority.pem"
    if content:
        path.write_text(content)
    with pytest.raises(RegistryError, match=r"authority\.pem can't be used"):
        await resolve(connect({"r.example": RegistrySettings(ca_file=str(path))}), "r.example")


async def test_one_tls_context_serves_the_same_files(certificate: Certificate) -> None:
    """Making one takes 30 ms."""
    registries = {f"r{n}.example": RegistrySettings(ca_file=certificate.ca_file) for n in range(3)}
    sessions = HostSessions(HostSettings(registries), Proxies({}))
    opened = [await sessions.get(URL(f"https://{name}"), name) for name in registries]
    contexts = {id(session.http.connector._ssl) for session in opened}
    await sessions.aclose()

    assert (3, 1) == (len(opened), len(contexts))


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(answer_tls: Answer) -> AsyncIterator[str]:
    """A server that speaks plain HTTP, and answers everything else as it is told."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.read(4)
        if start == b"GET ":
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {BUILT.media_type}\r\nContent-Length: {len(BUILT.manifest)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + BUILT.manifest)
        else:
            await answer_tls(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def say_garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what is neither."""
    writer.write(b"\x00" * 50)
    await writer.drain()


async def say_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as HTTP servers do that can't read a request."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    await writer.drain()


async def say_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Close the connection."""


async def stay_silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Wait until the client gives up."""
    await reader.read()


@pytest.mark.parametrize("answer_tls", [say_garbage, say_http, say_nothing, stay_silent])
async def test_a_plain_server_may_meet_tls_as_it_likes(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, answer_tls: Answer
) -> None:
    """Garbage, an HTTP error, a closed connection, silence: then plain HTTP is tried."""
    monkeypatch.setattr("portus_images.registry.hosts.HANDSHAKE_LIMIT", 0.2)
    async with raw_server(answer_tls) as host:
        found = await resolve(connect(), host)

    assert BUILT.digest == found.digest


async def test_a_tls_server_that_is_slow_to_answer_is_not_taken_for_a_plain_one(
    connect: Connect, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handshake decides, not the answer."""
    monkeypatch.setattr("portus_images.registry.hosts.HANDSHAKE_LIMIT", 0.5)
    monkeypatch.setattr("portus_images.registry.transport.sender.DEADLINE", 1.0)
    async with ScriptedServer(tls=certificate.server) as server:
        released = asyncio.Event()

        async def hang(_request: Any) -> Any:
            await released.wait()

        server.script("/v2/", hang)
        server.script(MANIFEST, BUILT.manifest, content_type=BUILT.media_type)
        client = connect({server.host: RegistrySettings(ca_file=certificate.ca_file)})
        found = await resolve(client, server.host)
        released.set()

    assert BUILT.digest == found.digest


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("", False),
        (None, False),
        ("127.0.0.1.example", False),
        ("localhost.example", False),
        ("128.0.0.1", False),
        ("::2", False),
        ("0.0.0.0", False),  # noqa: S104 - a name here, nothing is bound
        ("example", False),
    ],
)
def test_this_machine_is_known_by_its_loopback_names(host: str | None, expected: bool) -> None:
    """No other name is taken for it."""
    assert expected == is_loopback(host)


def test_docker_hub_goes_by_several_names() -> None:
    """Settings and credentials are found by each."""
    assert {"docker.io"} == {name_registry(name) for name in ("docker.io", "Index.Docker.io", "registry-1.docker.io")}


@pytest.mark.parametrize(
    ("configured", "address", "found"),
    [
        ("r.example:5000", "https://r.example:5000/x", True),
        ("r.example", "https://r.example/x", True),
        ("r.example:443", "https://r.example/x", True),
        ("r.example", "https://r.example:443/x", True),
        ("R.example", "https://r.EXAMPLE/x", True),
        ("[::1]:5000", "http://[::1]:5000/x", True),
        ("docker.io", "https://registry-1.docker.io/x", True),
        ("r.example", "https://r.example:5000/x", False),
        ("r.example:5000", "https://r.example/x", False),
        ("example", "https://r.example/x", False),
    ],
)
def test_settings_are_found_by_host_and_port(configured: str, address: str, found: bool) -> None:
    """The usual port may be written or not; another port is another host."""
    settings = HostSettings({configured: RegistrySettings(insecure=True)})

    assert found == settings.find_for(URL(address)).insecure


async def test_a_redirect_within_the_registry_keeps_the_credentials(connect: Connect) -> None:
    """Same scheme, host and port."""
    async with ScriptedServer() as server:
        guarded = {"WWW-Authenticate": "Basic realm=x"}
        server.script(MANIFEST, status=401, headers=guarded)
        client = connect({server.host: RegistrySettings(**LOGIN)})

        async def answer(request: Any) -> Any:
            from aiohttp import web

            if "Authorization" not in request.headers:
                return web.Response(status=401, headers=guarded)
            return web.Response(status=302, headers={"Location": "../../../../elsewhere?x=1"})

        server.script(MANIFEST, answer)
        server.script("/elsewhere", BUILT.manifest, content_type=BUILT.media_type)
        found = await resolve(client, server.host)

        assert BUILT.digest == found.digest
        assert [True] == [value is not None for value in server.asked("/elsewhere")]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_loses_the_credentials_for_good(connect: Connect, status: int) -> None:
    """Also when it leads back again."""
    async with ScriptedServer() as other, ScriptedServer() as server:
        challenge = {"WWW-Authenticate": "Basic realm=x"}

        async def answer(request: Any) -> Any:
            from aiohttp import web

            sent = "Authorization" in request.headers
            headers = {"Location": f"{other.url}/x"} if sent else challenge
            return web.Response(status=status if sent else 401, headers=headers)

        server.script(MANIFEST, answer)
        other.redirect("/x", f"{server.url}/back")
        server.script("/back", BUILT.manifest, content_type=BUILT.media_type)
        await resolve(connect({server.host: RegistrySettings(**LOGIN)}), server.host)

        assert [None] == other.asked("/x")
        assert [None] == server.asked("/back")


@pytest.mark.parametrize(
    "target",
    [
        "ftp://r.example/x",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "http://r.example:99999/",
        "http://user:password@r.example/x",
        "javascript:alert(1)",
    ],
)
async def test_a_redirect_to_what_is_no_plain_address_is_refused(connect: Connect, target: str) -> None:
    """With a message that names the registry."""
    async with ScriptedServer() as server:
        server.redirect(MANIFEST, target)
        with pytest.raises(RegistryError, match="not followed") as caught:
            await resolve(connect(), server.host)

        assert server.host in str(caught.value)
    assert "password" not in str(caught.value)


async def test_a_redirect_from_https_to_http_is_refused(connect: Connect, certificate: Certificate) -> None:
    """Not even on this machine."""
    async with ScriptedServer() as other, ScriptedServer(tls=certificate.server) as server:
        server.redirect(MANIFEST, f"{other.url}/x")
        client = connect({server.host: RegistrySettings(ca_file=certificate.ca_file)})
        with pytest.raises(RegistryError, match="from https to http"):
            await resolve(client, server.host)

        assert [] == other.requests


async def test_five_redirects_are_followed_and_a_sixth_is_not(connect: Connect) -> None:
    """No loop holds us."""
    async with ScriptedServer() as server:
        server.redirect(MANIFEST, "/1")
        for number in range(1, 5):
            server.redirect(f"/{number}", f"/{number + 1}")
        server.script("/5", BUILT.manifest, content_type=BUILT.media_type)
        found = await resolve(connect(), server.host)
        assert BUILT.digest == found.digest

        server.redirect("/5", MANIFEST)
        with pytest.raises(RegistryError, match="more than 5 times"):
            await resolve(connect(), server.host)


async def test_a_signed_address_is_sent_as_it_is(connect: Connect) -> None:
    """A signature covers every character."""
    signed = "/x?X-Sig=a%2Fb%20c+d%3d&e=%7E~"
    async with ScriptedServer() as server:
        server.redirect(MANIFEST, signed)
        server.script("/x", BUILT.manifest, content_type=BUILT.media_type)
        await resolve(connect(), server.host)

        assert [signed] == [request.target for request in server.requests if request.path == "/x"]


async def test_a_redirect_without_a_place_is_a_failed_answer(connect: Connect) -> None:
    """There is nothing to follow."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, status=302)
        with pytest.raises(RegistryError, match="HTTP 302"):
            await resolve(connect(), server.host)


async def test_storage_that_is_not_there_is_named(connect: Connect) -> None:
    """By its own address, without the query, which may be a signature."""
    async with ScriptedServer() as gone:
        pass
    async with ScriptedServer() as server:
        server.redirect(MANIFEST, f"{gone.url}/x?signature=canary")
        with pytest.raises(RegistryUnavailableError) as caught:
            await resolve(connect(), server.host)

    assert gone.host in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_an_answer_that_stops_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that may pass between two pieces of it, not after that for all."""
    monkeypatch.setattr("portus_images.registry.transport.sender.READ_TIMEOUT", 0.2)
    async with ScriptedServer() as server:

        async def begin(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"{")
            await asyncio.get_running_loop().create_future()
            return response

        server.script(MANIFEST, begin)
        with pytest.raises(RegistryUnavailableError, match="did not answer in time"):
            await resolve(connect(), server.host)


async def test_cookies_are_not_kept(connect: Connect) -> None:
    """No answer leaves a trace on the next request."""
    async with ScriptedServer() as server:
        server.script(MANIFEST, BUILT.manifest, content_type=BUILT.media_type, headers={"Set-Cookie": "a=b; Path=/"})
        client = connect()
        await resolve(client, server.host)
        await resolve(client, server.host)

        assert [] == [request for request in server.requests if "Cookie" in request.headers]


async def test_a_bomb_is_not_blown_up(connect: Connect) -> None:
    """The limit is that of the decoded body."""
    import gzip

    async with ScriptedServer() as server:
        body = gzip.compress(b" " * 64 * 1024 * 1024)
        server.script(MANIFEST, body, content_type=BUILT.media_type, headers={"Content-Encoding": "gzip"})
        with pytest.raises(InvalidManifestError, match="longer than"):
            await resolve(connect(), server.host)
