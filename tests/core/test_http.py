"""Talking to a backend: bounded bodies, errors of the right kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aioresponses import aioresponses
from attrs import frozen
from hypothesis import given, strategies as st
from portus_images import TlsFileError, make_tls, one_line
from portus_scanners import (
    HttpScannerSettings,
    InvalidReportError,
    ProgramScannerSettings,
    ScannerContext,
    ScannerSettings,
    ScannerUnavailableError,
    Secret,
)
from portus_scanners.backends import HttpAnswer, HttpBackend, session_for
from portus_scanners_testing import Echo, ScriptedServer, StandInContext

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.fixture
async def context() -> AsyncIterator[ScannerContext]:
    """A scanner's context outside an engine."""
    async with StandInContext() as context:
        yield context


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Answer], Awaitable[str]]]:
    """``await serve(answer)`` starts a loopback server that answers every request so; gives its base URL."""
    runners: list[web.ServerRunner] = []

    async def start(answer: Answer) -> str:
        runner = web.ServerRunner(web.Server(answer))
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return site.name if not site.name.endswith(":0") else f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_an_answer_is_read_to_its_end(context: ScannerContext, mocked_http: aioresponses) -> None:
    """Status, headers and body of any status come back; the status is not judged."""
    mocked_http.get("http://b/v1/x", status=404, payload={"Error": "gone"}, headers={"X-A": "1"})
    answer = await HttpBackend(context, "http://b").request("GET", "/v1/x")
    assert (404, "1", {"Error": "gone"}, False) == (
        answer.status,
        answer.headers["x-a"],
        answer.json(),
        answer.unavailable,
    )


@pytest.mark.parametrize(("status", "unavailable"), [(429, True), (500, True), (503, True), (404, False), (200, False)])
async def test_what_counts_as_unavailable(
    context: ScannerContext, mocked_http: aioresponses, status: int, unavailable: bool
) -> None:
    """5xx and 429 say that the server is out of order or overloaded."""
    mocked_http.get("http://b/", status=status)
    assert unavailable == (await HttpBackend(context, "http://b").request("GET", "/")).unavailable


@pytest.mark.parametrize("body", ["", "<html>no</html>", "{", "[" * 100_000, b"\xff"])
async def test_a_body_that_is_not_json_is_an_invalid_report(
    context: ScannerContext, mocked_http: aioresponses, body: str
) -> None:
    """json() of anything else raises InvalidReportError with a short excerpt."""
    mocked_http.get("http://b/", body=body)
    answer = await HttpBackend(context, "http://b").request("GET", "/")
    with pytest.raises(InvalidReportError, match="HTTP 200, and the body is not JSON") as raised:
        answer.json()
    assert len(str(raised.value)) < 300


async def test_a_member_that_stands_twice_is_an_invalid_report(
    context: ScannerContext, mocked_http: aioresponses
) -> None:
    """Nobody knows which of the two counts."""
    mocked_http.get("http://b/", body='{"findings": [{"id": "CVE-1"}], "findings": []}')
    answer = await HttpBackend(context, "http://b").request("GET", "/")
    with pytest.raises(InvalidReportError, match="and the body: an object has two members 'findings'"):
        answer.json()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (aiohttp.ServerDisconnectedError(), "closed the connection without an answer"),
        (aiohttp.ClientPayloadError("hunter2"), "broke off in the middle of its answer"),
        (TimeoutError(), "did not answer in time"),
        (ConnectionResetError(104, "Connection reset by peer"), "broke the connection: Connection reset by peer"),
        (aiohttp.InvalidURL("http://hunter2"), "has an address that is not a valid URL"),
        (aiohttp.TooManyRedirects(None, ()), "did not answer as HTTP servers do"),  # type: ignore[arg-type]
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_broken_exchange_is_unavailable(
    context: ScannerContext, mocked_http: aioresponses, error: Exception, text: str
) -> None:
    """Every failure of the connection is a ScannerUnavailableError in words, aiohttp's error its cause."""
    mocked_http.get("http://b/", exception=error)
    with pytest.raises(ScannerUnavailableError, match=text) as raised:
        await HttpBackend(context, "http://b").request("GET", "/")
    assert (error, False) == (raised.value.__cause__, "hunter2" in str(raised.value))


async def test_a_refused_connection_is_unavailable(context: ScannerContext, unused_tcp_port: int) -> None:
    """Nobody listening is a ScannerUnavailableError that says so."""
    with pytest.raises(ScannerUnavailableError, match="can't be reached: Connection refused"):
        await HttpBackend(context, f"http://127.0.0.1:{unused_tcp_port}").request("GET", "/")


async def test_a_body_over_the_limit_is_refused(
    context: ScannerContext, serve: Callable[[Answer], Awaitable[str]]
) -> None:
    """A gzipped bomb of 10 MB is not read beyond the limit."""

    async def bomb(_request: web.BaseRequest) -> web.StreamResponse:
        response = web.Response(body=bytes(10_000_000))
        response.enable_compression(web.ContentCoding.gzip)
        return response

    backend = HttpBackend(context, await serve(bomb), max_body=100_000)
    with pytest.raises(InvalidReportError, match="longer than 100000 bytes"):
        await backend.request("GET", "/")


async def test_a_cut_body_is_unavailable(context: ScannerContext, serve: Callable[[Answer], Awaitable[str]]) -> None:
    """A connection that breaks in the middle of a body is a ScannerUnavailableError."""

    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"only this")
        assert request.transport is not None
        request.transport.close()
        return response

    with pytest.raises(ScannerUnavailableError, match="broke off in the middle"):
        await HttpBackend(context, await serve(cut)).request("GET", "/")


async def test_redirects_are_not_followed(context: ScannerContext, serve: Callable[[Answer], Awaitable[str]]) -> None:
    """A redirect comes back as the answer that it is."""

    async def redirect(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=301, headers={"Location": "http://elsewhere.invalid/"})

    assert 301 == (await HttpBackend(context, await serve(redirect)).request("GET", "/")).status


async def test_a_path_is_sent_as_it_is_encoded(
    context: ScannerContext, serve: Callable[[Answer], Awaitable[str]]
) -> None:
    """Percent-encoding is the caller's and reaches the server unchanged."""

    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=request.raw_path)

    answer = await HttpBackend(context, await serve(echo)).request("GET", "/images?image=a%2Fb%3A1%2B2")
    assert b"/images?image=a%2Fb%3A1%2B2" == answer.body


async def test_a_timeout_of_the_request_is_unavailable(
    context: ScannerContext, serve: Callable[[Answer], Awaitable[str]]
) -> None:
    """A server that stays silent longer than the request's own timeout is a ScannerUnavailableError."""
    release = asyncio.Event()

    async def silent(_request: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    with pytest.raises(ScannerUnavailableError, match="did not answer in time"):
        await HttpBackend(context, await serve(silent)).request("GET", "/", timeout=0.05)
    release.set()


def test_tls_settings(tmp_path: Path) -> None:
    """Insecure turns verification off; a CA file that is none is an error; else the system's authorities."""
    assert (False, True) == (make_tls(insecure=True), make_tls())
    (tmp_path / "ca.pem").write_text("no certificate")
    for name, why in (("ca.pem", "no certificate or crl found"), ("gone.pem", "No such file")):
        with pytest.raises(TlsFileError, match=f"ca_file {tmp_path}/{name} can't be used: .*{why}"):
            make_tls(str(tmp_path / name))


@pytest.mark.parametrize("size", [10, 64 * 1024])
async def test_an_answer_is_parsed_whatever_its_size(size: int) -> None:
    """parse() gives what the function makes of the answer, in a thread when it is large, and raises what it raises."""
    import threading

    answer = HttpAnswer(status=200, headers={}, body=b"x" * size)
    length, thread = await answer.parse(lambda answer: (len(answer.body), threading.current_thread()))
    assert (size, size < 32 * 1024) == (length, thread is threading.main_thread())
    with pytest.raises(InvalidReportError):
        await answer.parse(HttpAnswer.json)


@given(st.text(), st.integers(1, 50))
def test_one_line_is_short_and_printable(text: str, limit: int) -> None:
    """A foreign text becomes one printable line of the given length at most, and three dots."""
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit + 3


async def test_secrets_go_onto_the_wire_and_into_no_message(context: ScannerContext) -> None:
    """A secret header and a secret in the JSON arrive as they are; an answer that quotes them is masked."""
    async with ScriptedServer() as server:
        server.script("/scan", Echo(400))
        backend = HttpBackend(context, server.url, headers={"Authorization": Secret("Bearer canary-1"), "X-Plain": "a"})
        answer = await backend.request("POST", "/scan", json={"inner": [Secret("canary-2")]}, headers={"X-More": "b"})
    (request,) = server.requests
    assert ("Bearer canary-1", "a", "b") == tuple(
        request.headers[one] for one in ("Authorization", "X-Plain", "X-More")
    )
    assert b'{"inner": ["canary-2"]}' in answer.body
    assert "canary" not in answer.excerpt + answer.mask(answer.body.decode()) + repr(answer)
    with pytest.raises(InvalidReportError) as raised:
        answer.json()
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}])
async def test_what_is_no_json_is_not_sent(value: object, context: ScannerContext) -> None:
    """A value that JSON has no form for is a TypeError that names its type."""
    with pytest.raises(TypeError, match="can't be sent as JSON"):
        await HttpBackend(context, "http://127.0.0.1:1").request("POST", "/", json=value)


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_masked(text: str) -> None:
    """Masking loses nothing of a text that has no secret in it, lone surrogates of JSON included."""
    answer = HttpAnswer(status=200, headers={}, body=b"", secrets=frozenset({Secret("canary-that-is-not-there")}))
    assert text == answer.mask(text)
    assert f"{text}******" == answer.mask(f"{text}canary-that-is-not-there")


@pytest.mark.parametrize("base", [HttpScannerSettings, ProgramScannerSettings])
def test_a_wrong_authority_is_noticed_whatever_the_backend_is(base: type[ScannerSettings], tmp_path: Path) -> None:
    """A scanner that is a program may have a server too: its ``ca_file`` and ``insecure`` count as well."""

    @frozen(kw_only=True)
    class Settings(base):  # type: ignore[valid-type,misc]
        program: str = "x"
        server: str = "http://a.example"
        ca_file: str = ""
        insecure: bool = False

    with pytest.raises(OSError, match="No such file"):
        session_for(Settings(ca_file=str(tmp_path / "gone.pem")))


async def test_tls_that_is_asked_of_a_plain_server(
    context: ScannerContext, serve: Callable[[Answer], Awaitable[str]]
) -> None:
    """A server that speaks plain HTTP is asked for TLS: the error says how to ask it otherwise."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    url = (await serve(answer)).replace("http://", "https://")
    with pytest.raises(ScannerUnavailableError, match="if it speaks plain HTTP only: write http://"):
        await HttpBackend(context, url).request("GET", "/")
