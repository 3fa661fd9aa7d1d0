"""Bearer tokens: where they are asked for, how long they are used."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from contextlib import nullcontext
from typing import Any

import pytest
from aiohttp import web
from portus_images import Registry, RegistrySettings
from portus_images.registry.access.challenge import Right, make_realm
from portus_images.registry.access.tokens import TokenSource
from portus_images.registry.hosts import HostSettings
from portus_scanners import Image, Layer, Reference, RegistryAuthError, RegistryError, RegistryUnavailableError, Secret
from portus_scanners_testing import Reply, ScriptedServer, StandInRegistry
from portus_scanners_testing.registry import TokenServer, TokenService
from yarl import URL

from .conftest import BUILT, MANIFEST, Clock, Connect, reference_on, tell


def guard(server: ScriptedServer, challenge: str | None = None) -> None:
    """Let a registry answer whoever has the token, and challenge the others."""
    wanted = f'Bearer realm="{server.url}/token",service="me"' if challenge is None else challenge

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") == "Bearer good":
            return web.Response(body=BUILT.manifest, content_type=BUILT.media_type)
        return web.Response(status=401, headers={"WWW-Authenticate": wanted})

    server.script(MANIFEST, answer)


async def test_nothing_is_sent_before_it_is_asked_for(connect: Connect) -> None:
    """The first request to the root has no credentials; those for the password go to the realm only."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        await connect(tell(server)).resolve(reference_on(server))
        sent = [(request.path, request.headers.get("Authorization", "").split(" ")[0]) for request in server.requests]

    assert [("/v2/", ""), ("/v2/", ""), ("/token", "Basic"), (MANIFEST, "Bearer")] == sent[:4]


@pytest.mark.parametrize(
    ("root", "challenge", "sent"),
    [(401, "Basic", "Basic"), (401, "Bearer", "Bearer"), *[(root, "", "Basic") for root in (200, 400, 403, 404, 405)]],
)
async def test_credentials_are_used_where_nobody_sees_a_part(
    connect: Connect, root: int, challenge: str, sent: str
) -> None:
    """The registry's root is asked once, whatever the rest of it shows to nobody with 200; it may not be there."""
    async with ScriptedServer() as server:
        headers = {"WWW-Authenticate": f'{challenge} realm="{server.url}/token"'} if challenge else {}
        server.script("/v2/", Reply(status=root, headers=headers))
        server.script("/token", {"token": "good"})
        server.script("/v2/_catalog", {"repositories": ["team/app"]})
        server.script("/v2/team/app/tags/list", {"tags": ["1"]})
        client = connect(tell(server))
        names = [name async for name in client.repositories(server.host)]
        tags = [tag async for tag in client.tags(server.host, "team/app")]
        used = [server.asked(path)[0] or "" for path in ("/v2/_catalog", "/v2/team/app/tags/list")]
        asked = [request.path for request in server.requests].count("/v2/")

    assert (["team/app"], ["1"]) == (names, tags)
    assert [sent, sent] == [header.partition(" ")[0] for header in used]
    assert 2 == asked  # one of them looks whether the server on this machine speaks TLS or not


async def test_a_root_that_leads_elsewhere_says_nothing_of_the_registry(connect: Connect) -> None:
    """What another host asks for is not met; the registry itself gets the credentials that are configured for it."""
    async with ScriptedServer() as server, ScriptedServer() as other:
        other.script("/login", Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{other.url}/token"'}))
        server.script("/v2/", Reply(status=302, headers={"Location": f"{other.url}/login"}))
        server.script("/v2/_catalog", {"repositories": ["team/app"]})
        assert ["team/app"] == [name async for name in connect(tell(server)).repositories(server.host)]
        used = server.asked("/v2/_catalog")[0] or ""

    assert ("Basic", {"/login"}) == (used.partition(" ")[0], {request.path for request in other.requests})


async def test_without_credentials_the_root_is_not_asked(connect: Connect) -> None:
    """There is nothing to use."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        await connect().resolve(reference_on(server))
        asked = [request.path for request in server.requests].count("/v2/")

    assert 1 == asked


async def test_a_token_is_asked_for_pulling_this_repository(connect: Connect) -> None:
    """Whatever the challenge proposes; the service is the challenge's, the account ours."""
    async with ScriptedServer() as server:
        guard(server, f'Bearer realm="{server.url}/token?a=b",service="me & you",scope="repository:other:push,*"')
        server.script("/token", {"token": "good"})
        await connect(tell(server)).resolve(reference_on(server))
        asked = next(request for request in server.requests if request.path == "/token")

    query = URL(f"?{asked.query}", encoded=True).query
    assert {"a": "b", "service": "me & you", "scope": "repository:team/app:pull", "account": "user"} == dict(query)


@pytest.mark.parametrize("realm", ["http://127.0.0.1:1/token", "{url}/refuses"])
async def test_a_realm_that_gives_no_token_is_not_remembered(connect: Connect, realm: str) -> None:
    """A registry that names a wrong one once can be read again once it names the right one."""
    async with ScriptedServer() as server:
        server.script("/token", {"token": "good"})
        server.script("/refuses", status=403)
        client = connect()
        guard(server, f'Bearer realm="{realm.format(url=server.url)}"')
        with pytest.raises(RegistryError):
            await client.resolve(reference_on(server))
        guard(server)
        assert BUILT.digest == (await client.resolve(reference_on(server))).digest


async def test_a_challenge_without_scope_and_service_will_do(connect: Connect) -> None:
    """Both are optional; of two tokens in an answer the one that Docker sends is sent."""
    async with ScriptedServer() as server:
        guard(server, f'Bearer realm="{server.url}/token"')
        server.script("/token", {"token": "another", "access_token": "good"})
        found = await connect().resolve(reference_on(server))
        asked = next(request for request in server.requests if request.path == "/token")

    assert BUILT.digest == found.digest
    assert "scope=repository:team/app:pull" == asked.query


async def test_bearer_is_preferred_and_basic_will_do(connect: Connect) -> None:
    """Of several challenges, whatever their order."""
    async with ScriptedServer() as server:
        guard(server, f'Negotiate, Basic realm="a, b", Bearer realm="{server.url}/token"')
        server.script("/v2/", Reply(status=401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}))
        server.script("/token", {"token": "good"})
        await connect(tell(server)).resolve(reference_on(server))

        assert ["Bearer good"] == server.asked(MANIFEST)

    async with ScriptedServer() as server:
        guard(server, 'Digest realm="x", Basic realm="a, b"')
        with pytest.raises(RegistryAuthError):
            await connect(tell(server)).resolve(reference_on(server))

        assert [f"Basic {b64encode(b'user:opensesame').decode()}"] == server.asked(MANIFEST)


@pytest.mark.parametrize("header", ["", "Digest realm=x", "Bearer", "Bearer realm=", "nonsense"])
async def test_a_challenge_that_cannot_be_met_is_an_error(connect: Connect, header: str) -> None:
    """It says what was offered."""
    async with ScriptedServer() as server:
        guard(server, header)
        with pytest.raises(RegistryAuthError, match=r"way to log in|no usable address"):
            await connect(tell(server)).resolve(reference_on(server))


async def test_an_anonymous_token_is_used_where_there_are_no_credentials(connect: Connect) -> None:
    """As on Docker Hub."""
    service = TokenService(anonymous=True)
    async with TokenServer(service) as tokens, StandInRegistry(auth="token", token_server=tokens) as server:
        server.push("team/app", "1", BUILT)
        found = await connect().resolve(reference_on(server))

        assert BUILT.digest == found.digest
        assert [""] == [token.account for token in tokens.issued]


async def test_wrong_credentials_are_named_by_the_user_only(connect: Connect) -> None:
    """And sent no more than once."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        client = connect({server.host: RegistrySettings(username="user", password=Secret("wrong-password"))})
        with pytest.raises(RegistryAuthError, match=r"refuses the credentials for user") as caught:
            await client.resolve(reference_on(server))

        assert 1 == [request.path for request in server.requests].count("/token")
    assert ("token", 401) == (caught.value.step, caught.value.status)


async def test_wrong_basic_credentials_are_sent_once(connect: Connect) -> None:
    """Accounts get locked after a few wrong passwords."""
    async with StandInRegistry(auth="basic") as server:
        client = connect({server.host: RegistrySettings(username="user", password=Secret("wrong-password"))})
        with pytest.raises(RegistryAuthError, match=r"refuses the credentials for user"):
            await client.resolve(reference_on(server))
        sent = [request for request in server.requests if "Authorization" in request.headers]

    assert 1 == len(sent)


async def test_an_account_without_the_right_is_told_so(connect: Connect) -> None:
    """Its credentials are good: the token allows nothing. One new token is tried."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        server.tokens.denied.add("team/app")
        with pytest.raises(RegistryAuthError, match=r"does not let user pull team/app"):
            await connect(tell(server)).resolve(reference_on(server))

        assert 2 == len(server.issued)


async def test_a_token_that_is_refused_is_replaced_once(connect: Connect) -> None:
    """A registry that forgot its tokens does not matter."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        client = connect(tell(server))
        await client.resolve(reference_on(server))
        server.tokens.issuer.revoke_all()
        found = await client.resolve(reference_on(server))

        assert BUILT.digest == found.digest
        assert 2 == len(server.issued)


async def test_each_repository_has_its_own_token(connect: Connect) -> None:
    """A token for one is never sent for another."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        server.push("team/other", "1", BUILT)
        client = connect(tell(server))
        await client.resolve(reference_on(server))
        await client.resolve(Reference.parse(f"{server.host}/team/other:1"))

        assert ["team/app", "team/other"] == [token.access[0].repository for token in server.issued]


async def lifetime_of(connect: Connect, clock: Clock, answer: dict[str, Any], headers: dict[str, str]) -> int:
    """Return for how many seconds a token is used for our own requests."""
    async with ScriptedServer() as server:
        guard(server)
        server.script("/token", {"token": "good", **answer}, headers=headers)
        client = connect()
        await client.resolve(reference_on(server))
        start = clock.now
        for age in (0, 20, 49, 51, 100, 189, 191, 289, 291, 3589, 3591):
            clock.now = start + age
            await client.resolve(reference_on(server))
            if len(server.asked("/token")) > 1:
                return age
    return -1


DATE = {"Date": "Mon, 01 Jan 2024 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("answer", "headers", "expected"),
    [
        ({}, {}, 51),
        ({"expires_in": 300}, {}, 291),
        ({"expires_in": 300.0}, {}, 291),
        ({"expires_in": 200}, {}, 191),
        ({"expires_in": "300"}, {}, 51),
        ({"expires_in": True}, {}, 51),
        ({"expires_in": None}, {}, 51),
        ({"expires_in": 10**12}, {}, 3591),
        ({"expires_in": 0}, {}, 0),
        ({"expires_in": -5}, {}, 0),
        ({"expires_in": 300, "issued_at": "2024-01-01T12:00:00Z"}, DATE, 291),
        ({"expires_in": 300, "issued_at": "2024-01-01T11:58:20.123456789Z"}, DATE, 191),
        ({"expires_in": 300, "issued_at": "2024-01-01T12:58:20+01:00"}, DATE, 191),
        ({"expires_in": 300, "issued_at": "2024-01-01T11:00:00Z"}, DATE, 291),
        ({"expires_in": 300, "issued_at": "2024-01-01T13:00:00Z"}, DATE, 291),
        ({"expires_in": 300, "issued_at": "2001-01-01T00:00:00Z"}, {}, 291),
        ({"expires_in": 300, "issued_at": "2999-01-01T00:00:00Z"}, {}, 291),
        ({"expires_in": 300, "issued_at": "2024-01-01T12:00:00"}, DATE, 291),
        ({"expires_in": 300, "issued_at": "yesterday"}, DATE, 291),
        ({"expires_in": 300, "issued_at": 5}, DATE, 291),
        ({"expires_in": 300, "issued_at": "2024-01-01T11:58:20Z"}, {"Date": "today"}, 291),
    ],
)
async def test_a_token_is_used_until_shortly_before_it_expires(
    connect: Connect, clock: Clock, answer: dict[str, Any], headers: dict[str, str], expected: int
) -> None:
    """Its age counts by the server's own clock; an age that can't be is a wrong clock, and does not count."""
    assert expected == await lifetime_of(connect, clock, answer, headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"token": ""}',
        b'{"token": 5}',
        b'{"token": "a\\r\\nX-Evil: 1"}',
        b'{"token": "a b"}',
        b'{"token": "a\\u0000"}',
        b'{"token": "\\u00e9"}',
        b'{"token": "\\ud800"}',
        b'{"token": "good", "expires_in": NaN}',
        b'{"token": "good", "expires_in": Infinity}',
        json.dumps({"token": "x" * 1024 * 1024}).encode(),
    ],
)
async def test_a_token_that_cannot_be_sent_is_refused(connect: Connect, body: bytes) -> None:
    """Nothing gets into a header that would break out of it, and the error does not repeat it."""
    async with ScriptedServer() as server:
        guard(server)
        server.script("/token", body)
        with pytest.raises(RegistryAuthError, match="without a usable token") as caught:
            await connect().resolve(reference_on(server))

    assert len(str(caught.value)) < 300
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RegistryError),
        (401, RegistryAuthError),
        (403, RegistryAuthError),
        (429, RegistryUnavailableError),
        (500, RegistryUnavailableError),
        (503, RegistryUnavailableError),
    ],
)
async def test_a_failing_token_service_is_named(connect: Connect, status: int, kind: type[RegistryError]) -> None:
    """The step is the token."""
    async with ScriptedServer() as server:
        guard(server)
        server.script("/token", {"details": "no"}, status=status)
        with pytest.raises(kind) as caught:
            await connect(tell(server)).resolve(reference_on(server))

    assert ("token", status) == (caught.value.step, caught.value.status)


async def test_a_token_service_that_is_not_there_is_named(connect: Connect) -> None:
    """By its own address."""
    async with ScriptedServer() as gone:
        pass
    async with ScriptedServer() as server:
        guard(server, f'Bearer realm="{gone.url}/token"')
        with pytest.raises(RegistryUnavailableError, match=gone.host):
            await connect().resolve(reference_on(server))


async def test_one_request_is_made_for_all_who_wait(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it fails: a wrong password is tried once, not twenty times."""
    released, waiting = asyncio.Event(), asyncio.Semaphore(0)
    get = TokenSource.get

    async def count(source: TokenSource, **options: Any) -> Any:
        waiting.release()
        return await get(source, **options)

    async def issue(_request: web.BaseRequest) -> web.StreamResponse:
        await released.wait()
        return web.Response(status=401)

    monkeypatch.setattr(TokenSource, "get", count)
    async with ScriptedServer() as server:
        guard(server)
        server.script("/token", issue)
        client = connect(tell(server))
        tasks = [asyncio.create_task(client.resolve(reference_on(server))) for _ in range(20)]
        for _ in tasks:
            await waiting.acquire()
        released.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)

        assert [RegistryAuthError] * 20 == [type(result) for result in results]
        assert 1 == len(server.asked("/token"))


@pytest.mark.parametrize("value", [b"\xff\xfe", b"\xed\xa0\x80"])
@pytest.mark.parametrize("name", [b"realm", b"service"])
async def test_a_challenge_that_is_no_text_is_not_met(connect: Connect, name: bytes, value: bytes) -> None:
    """Bytes of any kind can stand in a header."""
    body = b'WWW-Authenticate: Bearer realm="https://127.0.0.1:1/",%s="%s"\r\n' % (name, value)
    if name == b"realm":
        body = b'WWW-Authenticate: Bearer realm="https://%s/"\r\n' % value
    async with ScriptedServer() as server:

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n" + body + b"\r\n")
            request.transport.close()
            return web.Response()

        server.script(MANIFEST, answer)
        with pytest.raises(RegistryError) as caught:
            await connect(tell(server)).resolve(reference_on(server))

    assert str(caught.value).isprintable()


REALMS = [
    ("127.0.0.1:5000", "http", "http://127.0.0.1:5001/token", False, True),
    ("127.0.0.1:5000", "http", "http://localhost/token", False, True),
    ("127.0.0.1:5000", "http", "http://[::1]:9/token", False, True),
    ("127.0.0.1:5000", "https", "http://127.0.0.1:5001/token", False, True),
    ("127.0.0.1:5000", "http", "http://auth.example/token", False, False),
    ("127.0.0.1:5000", "http", "https://auth.example/token", False, True),
    ("r.example", "https", "https://auth.example/token", False, True),
    ("r.example", "https", "https://r.example/token", False, True),
    ("r.example", "https", "http://r.example/token", False, False),
    ("r.example", "https", "http://auth.example/token", False, False),
    ("r.example", "https", "http://127.0.0.1/token", False, False),
    ("r.example", "https", "http://auth.example/token", True, True),
    ("r.example:5000", "http", "http://r.example:5000/token", False, True),
    ("r.example:5000", "http", "http://r.example:3000/token", False, True),
    ("r.example:5000", "http", "http://auth.example/token", False, False),
    ("r.example", "http", "http://169.254.169.254/latest/api/token", False, False),
    ("r.example", "https", "http://2852039166/latest/api/token", False, False),
    ("r.example", "https", "ftp://r.example/token", False, False),
    ("r.example", "https", "file:///etc/passwd", False, False),
    ("r.example", "https", "token", False, False),
    ("r.example", "https", "https://", False, False),
    ("r.example", "https", "https://user:password@auth.example/token", False, False),
    ("r.example", "https", "https://[auth/token", False, False),
    ("r.example", "https", "https://auth.example:99999/token", False, False),
    ("r.example", "https", "", False, False),
]


@pytest.mark.parametrize(("registry", "scheme", "address", "insecure", "allowed"), REALMS)
def test_credentials_go_to_another_host_only_over_https(
    registry: str, scheme: str, address: str, insecure: bool, allowed: bool
) -> None:
    """Unless both are this machine, or somebody has allowed plain HTTP for that host."""
    settings = HostSettings({"auth.example": RegistrySettings(insecure=insecure)})
    outcome = nullcontext() if allowed else pytest.raises(RegistryAuthError, match=re.escape(registry))
    with outcome:
        realm = make_realm(address, "", Right.to_pull("team/app"), registry, URL(f"{scheme}://{registry}"), settings)
        assert URL(address) == realm.url


@pytest.mark.parametrize(
    ("address", "advised"),
    [
        ("http://r.example/token", True),
        ("http://r.example:3000/token", True),
        ("http://auth.example/token", False),
        ("http://r.example.evil.example/token", False),
    ],
)
def test_plain_http_is_advised_for_the_registrys_own_host_alone(address: str, advised: bool) -> None:
    """Nobody is told to send a password in the clear to a host that a registry has named."""
    with pytest.raises(RegistryAuthError, match="let the registry name an https address") as caught:
        make_realm(address, "", Right.to_pull("team/app"), "r.example", URL("https://r.example"), HostSettings({}))

    assert advised == ("insecure" in str(caught.value))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/token", "https://r.example:5000/token"),
        ("/v2/auth?a=b", "https://r.example:5000/v2/auth?a=b"),
        ("//auth.example/token", "https://auth.example/token"),
    ],
)
def test_a_relative_realm_is_on_the_registrys_host(address: str, expected: str) -> None:
    """Some registries behind a proxy do not know their own name."""
    realm = make_realm(
        address, "", Right.to_pull("team/app"), "r.example", URL("https://r.example:5000"), HostSettings({})
    )

    assert URL(expected) == realm.url


async def test_a_realm_that_redirects_gets_no_credentials_elsewhere(connect: Connect) -> None:
    """They stay behind when the host changes."""
    async with ScriptedServer() as other, ScriptedServer() as server:
        guard(server)
        server.redirect("/token", f"{other.url}/token")
        other.script("/token", {"token": "good"})
        await connect(tell(server)).resolve(reference_on(server))

        assert [None] == other.asked("/token")


async def test_a_challenge_from_where_a_redirect_led_is_not_met(connect: Connect) -> None:
    """Only the registry may name a realm; storage that wants a log-in is an error."""
    async with ScriptedServer() as other, ScriptedServer() as server:
        server.redirect(MANIFEST, f"{other.url}/x")
        other.script("/x", status=401, headers={"WWW-Authenticate": f'Bearer realm="{other.url}/token"'})
        with pytest.raises(RegistryAuthError):
            await connect(tell(server)).resolve(reference_on(server))

        assert [] == other.asked("/token")


async def test_a_docker_login_later_on_is_seen(connect: Connect, tmp_path: Any) -> None:
    """Nobody has to start anew."""
    async with StandInRegistry(auth="token") as server:
        server.push("team/app", "1", BUILT)
        client: Registry = connect(DOCKER_CONFIG=str(tmp_path))
        with pytest.raises(RegistryAuthError, match="no credentials"):
            await client.resolve(reference_on(server))
        auths = {server.host: {"auth": b64encode(b"user:opensesame").decode()}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
        found = await client.resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_a_backend_gets_a_token_from_the_realm_of_another_client(connect: Connect) -> None:
    """A layer can be asked for before anything was resolved, with an anonymous token."""
    layer = Layer(digest=BUILT.layers[0].digest)
    async with ScriptedServer() as server:
        path = f"/v2/team/app/blobs/{layer.digest}"
        server.script(path, status=401, headers={"WWW-Authenticate": f'Bearer realm="{server.url}/token"'})
        server.script("/token", {"token": "good"})
        image = Image(reference=reference_on(server), digest=BUILT.digest, layers=(layer,))
        with pytest.raises(RegistryAuthError, match="no credentials"):
            await connect().blob(image, layer)

        assert [None, "Bearer good", "Bearer good"] == server.asked(path)
