"""The door, through real sockets: who comes in, who does not, and what every answer says to browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from attrs import frozen
from portus_images import Secret
from portus_scan_server.access import (
    VIEWER,
    AccessSettings,
    Gatekeeper,
    ProxySettings,
    RepositoryRoles,
    Role,
    Viewer,
    access_middleware,
    add_headers,
    gatekeeper as gatekeeper_module,
    public,
)

SECRET = "0123456789abcdef"
OPEN = AccessSettings(open=True)
BY_PROXY = AccessSettings(
    proxy=ProxySettings(secret=Secret(SECRET)),
    admins=("ops",),
    repositories={"team/*": RepositoryRoles(viewers=("team",))},
)
PROXY = {"X-Portus-Proxy-Secret": SECRET}
ALICE = {**PROXY, "X-Forwarded-User": "alice", "X-Forwarded-Groups": "team, other"}
TOKEN = {"Authorization": "Bearer good"}
SAME = {"Sec-Fetch-Site": "same-origin"}


@frozen
class Door:
    """A service that says who looks."""

    url: str
    http: aiohttp.ClientSession

    async def ask(
        self, path: str = "/", headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, str]:
        """Return status and text of an answer."""
        async with self.http.request(method, f"{self.url}{path}", headers=headers) as response:
            return response.status, await response.text()


@asynccontextmanager
async def standing(settings: AccessSettings, socket: Path | None = None) -> AsyncIterator[Door]:
    """Run a service behind the door."""

    async def find_token(token: str) -> Viewer | None:
        return Viewer(name="token:ci", roles={"*": Role.OPERATOR}) if token == "good" else None

    async def who(request: web.Request) -> web.Response:
        return web.Response(text=repr((request[VIEWER].name, dict(request[VIEWER].roles), request[VIEWER].is_admin)))

    @public
    async def anybody(request: web.Request) -> web.Response:
        return web.Response(text="anybody")

    async def slow(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    application = web.Application(middlewares=[access_middleware(Gatekeeper(settings, find_token))])
    application.on_response_prepare.append(add_headers)
    application.router.add_route("*", "/", who)
    application.router.add_route("*", "/public", anybody)
    application.router.add_get("/slow", slow)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        connector = None
        if socket is not None:
            await web.UnixSite(runner, str(socket)).start()
            connector = aiohttp.UnixConnector(str(socket))
        async with aiohttp.ClientSession(connector=connector) as http:
            yield Door(url, http)
    finally:
        await runner.cleanup()


async def test_without_a_word_nobody_comes_in() -> None:
    """A service whose configuration says nothing answers programs with a token, and says what to write."""
    async with standing(AccessSettings()) as door:
        status, text = await door.ask()
        assert (401, True) == (status, "access: open" in text)
        assert (200, "('token:ci', {'*': <Role.OPERATOR: 'operator'>}, False)") == await door.ask(headers=TOKEN)
        assert 401 == (await door.ask(headers={"Authorization": "Bearer bad"}))[0]
        assert (200, "anybody") == await door.ask("/public", method="POST")


async def test_an_open_service_answers_under_its_names_alone() -> None:
    """Another name is refused: a page of somebody else's may have let it point here. So is what a proxy hands on."""
    async with standing(OPEN) as door:
        assert (200, "('anybody', {}, True)") == await door.ask()
        assert 200 == (await door.ask(headers={"Host": "LocalHost:8080"}))[0]
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "127.0.0.2"):
            status, text = await door.ask(headers={"Host": host})
            assert (403, True) == (status, "access.hosts" in text)
        for name in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP"):
            status, text = await door.ask(headers={name: "1.2.3.4", **TOKEN})
            assert (403, True) == (status, "access.proxy" in text and name.lower() in text)


async def test_a_person_comes_by_the_proxy_alone() -> None:
    """Whoever does not have its secret is nobody, whatever they say; a header that comes twice is not the proxy's."""
    async with standing(BY_PROXY) as door:
        assert (200, "('alice', {'team/*': <Role.VIEWER: 'viewer'>}, False)") == await door.ask(headers=ALICE)
        assert (200, "('root', {}, True)") == await door.ask(
            headers={**PROXY, "X-Forwarded-User": "root", "X-Forwarded-Groups": "ops"}
        )
        for wrong in (
            {**ALICE, "X-Portus-Proxy-Secret": "0123456789abcdee"},
            {**ALICE, "X-Portus-Proxy-Secret": ""},
            {"X-Forwarded-User": "alice"},
            PROXY,
            {**ALICE, "X-Forwarded-User": "a" * 201},
        ):
            assert 401 == (await door.ask(headers=wrong))[0]
        twice = [*ALICE.items(), ("X-Forwarded-User", "root")]
        async with door.http.get(door.url, headers=twice) as response:
            assert 401 == response.status
        groups = [*ALICE.items(), ("X-Forwarded-Groups", "ops")]
        async with door.http.get(door.url, headers=groups) as response:
            assert "('alice', {}, False)" == await response.text()


async def test_a_socket_stands_for_the_secret(tmp_path: Path) -> None:
    """Whoever can connect to the proxy's socket is the proxy; the same headers by TCP are nobody's."""
    settings = AccessSettings(proxy=ProxySettings(socket=str(tmp_path / "s")), admins=("user:alice",))
    named = {"X-Forwarded-User": "alice"}
    async with standing(settings, tmp_path / "s") as door:
        assert (200, "('alice', {}, True)") == await door.ask(headers=named)
        async with aiohttp.ClientSession() as http, http.get(door.url, headers=named) as response:
            assert 401 == response.status


@pytest.mark.parametrize(("settings", "headers"), [(OPEN, {}), (BY_PROXY, ALICE)])
async def test_what_changes_something_comes_from_our_pages(settings: AccessSettings, headers: dict[str, str]) -> None:
    """A browser says where a request comes from; another origin's, or one that does not say, is refused."""
    async with standing(settings) as door:
        host = door.url.removeprefix("http://")
        for right in (SAME, {"Origin": door.url}, {"Origin": f"https://{host}"}):
            assert 200 == (await door.ask(headers={**headers, **right}, method="POST"))[0]
        for wrong in (
            *({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}),
            *({"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": f"http://evil.example@{host}:1"}),
            {"Sec-Fetch-Site": "same-site", "Origin": door.url},
        ):
            for method in ("POST", "DELETE", "PUT"):
                assert 403 == (await door.ask(headers={**headers, **wrong}, method=method))[0], wrong
        assert 200 == (await door.ask(headers={**headers, "Sec-Fetch-Site": "cross-site"}))[0]


async def test_a_program_needs_no_origin() -> None:
    """A token is something that no page of another origin can send."""
    async with standing(AccessSettings()) as door:
        assert 200 == (await door.ask(headers=TOKEN, method="POST"))[0]


async def test_every_answer_says_what_browsers_may_do() -> None:
    """Errors as well: no script, no style that is not ours, no frame, no name of the page for others, no copy kept."""
    async with standing(OPEN) as door:
        for path, host in (("/", "localhost"), ("/nothing", "localhost"), ("/", "evil.example")):
            async with door.http.get(f"{door.url}{path}", headers={"Host": host}) as response:
                policy = response.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none';")
                assert "unsafe" not in policy
                assert "frame-ancestors 'none'" in policy
                for name, value in (
                    ("X-Content-Type-Options", "nosniff"),
                    ("Referrer-Policy", "same-origin"),
                    ("Cross-Origin-Opener-Policy", "same-origin"),
                    ("Cache-Control", "no-store"),
                ):
                    assert value == response.headers[name]


async def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has a time, after which it is answered with 503."""
    monkeypatch.setattr(gatekeeper_module, "_LONGEST", 0.01)
    async with standing(OPEN) as door:
        assert 503 == (await door.ask("/slow"))[0]
