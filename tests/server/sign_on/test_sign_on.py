"""People sign in at a provider that is honest, and at one that is not."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest
from attrs import frozen
from joserfc.jwk import RSAKey
from portus_images import Secret, SettingsError
from portus_scan_server.access import AccessSettings, RepositoryRoles, SignOnSettings, read_access
from portus_scan_server.addresses import AddressError
from portus_scan_server.settings import ServerSettings
from portus_scan_server.sign_on import Provider, SignOnError, end_sessions_of, list_sessions
from portus_scan_server.store import Store, database_now, tables
from portus_scanners.settings import read_yaml
from sqlalchemy import select, update
from standins.oidc_provider import CLIENT, SECRET, OidcProvider, oidc_provider
from yarl import URL

from ..api.answering import answering
from ..views.world import HOST, RULES, ok, scanned, tagged

PAGE = {"Accept": "text/html"}


@frozen
class Browser:
    """Goes where it is sent, one step at a time, with the cookies that it was given."""

    url: str
    http: aiohttp.ClientSession
    provider: OidcProvider

    async def go(self, where: str, method: str = "GET", **headers: str) -> aiohttp.ClientResponse:
        """Return an answer, read, without following it."""
        url = where if where.startswith("http") else f"{self.url}{where}"
        async with self.http.request(method, url, headers={**PAGE, **headers}, allow_redirects=False) as answer:
            await answer.read()
            return answer

    async def to_the_provider(self, after: str = "/") -> str:
        """Begin to sign in, and return where the provider sends the browser back to."""
        begun = await self.go(f"/sign-on?next={quote(after, safe='')}")
        assert 302 == begun.status, await begun.text()
        return (await self.go(begun.headers["Location"])).headers["Location"]

    async def sign_in(self, after: str = "/") -> aiohttp.ClientResponse:
        """Sign in; return the last answer of the way."""
        return await self.go(await self.to_the_provider(after))

    async def is_in(self) -> bool:
        """Return whether pages are answered."""
        return 200 == (await self.go("/")).status


@pytest.fixture
async def browser(store: Store, database: str, unused_tcp_port: int) -> AsyncIterator[Browser]:
    """A browser that nobody has signed in with yet, and a service with an image."""
    await tagged(store, 1, "team/app:1.0")
    await scanned(store, 1, [ok("clair"), ok("trivy")])
    async with oidc_provider() as provider:
        sign_on = SignOnSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=Secret(SECRET))
        access = AccessSettings(
            sign_on=sign_on, admins=("ops",), repositories={"team/*": RepositoryRoles(viewers=("team",))}
        )
        settings = ServerSettings(external_url=f"http://127.0.0.1:{unused_tcp_port}")
        async with answering(store, database, RULES, access=access, settings=settings, port=unused_tcp_port) as service:
            jar = aiohttp.CookieJar(unsafe=True)
            async with aiohttp.ClientSession(cookie_jar=jar) as http:
                yield Browser(service.url, http, provider)


async def test_there_and_back(browser: Browser, store: Store) -> None:
    """A page sends to the provider; who comes back is where they wanted to be, sees what they may, and can leave."""
    page = f"/r/{HOST}/team/app:1.0?severity=high"
    first = await browser.go(page)
    to = URL(first.headers["Location"])
    assert (302, f"{browser.url}/sign-on", page) == (first.status, str(to.with_query(None)), to.query["next"])
    assert 401 == (await browser.go("/", Accept="application/json")).status
    assert 401 == (await browser.go("/sign-out", "POST")).status
    done = await browser.sign_in(page)
    assert (303, f"{browser.url}{page}") == (done.status, done.headers["Location"])
    assert 'sign-out">Sign out</a>' in await (await browser.go(page)).text()
    cookie = next(one for one in browser.http.cookie_jar if one.key == "portus-session")
    assert ("/", True, "Lax") == (cookie["path"], cookie["httponly"], cookie["samesite"])
    async with store.reading() as db:
        row = (await db.execute(select(tables.sessions))).one()
    assert (64, "alice", False) == (len(row.hash), row.name, cookie.value in str(tuple(row)))
    for origin in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert 403 == (await browser.go("/sign-out", "POST", **origin)).status
    assert 200 == (await browser.go("/sign-out", "POST", Origin=browser.url)).status
    assert not await browser.is_in()
    browser.http.cookie_jar.update_cookies({"portus-session": cookie.value})
    assert not await browser.is_in()


async def test_a_session_ends(browser: Browser, store: Store) -> None:
    """After its time, and when an operator ends it, a session opens nothing; one is for eight hours at most."""
    await browser.sign_in()
    assert await browser.is_in()
    async with store.reading() as db:
        (one,) = await list_sessions(db)
    assert 8 * 3_600 == (one.expires_at - one.created_at).total_seconds()
    async with store.writing() as db:
        await db.execute(update(tables.sessions).values(expires_at=database_now(-1)))
    assert not await browser.is_in()
    await browser.sign_in()
    assert await browser.is_in()
    async with store.writing() as db:
        assert (0, 1) == (await end_sessions_of(db, "bob"), await end_sessions_of(db, "alice"))
    assert not await browser.is_in()


async def test_groups_are_roles(browser: Browser) -> None:
    """The groups of the token say what is seen; none that looks like a person or like everybody is one."""
    for user, sees, admin in (
        ({"sub": "a", "groups": ["team"]}, 200, 403),
        ({"sub": "b", "groups": "team"}, 200, 403),
        ({"sub": "c"}, 404, 403),
        ({"sub": "d", "groups": ["*", "user:alice"]}, 404, 403),
        ({"sub": "e", "groups": ["ops"]}, 200, 202),
    ):
        browser.provider.user = user
        assert 303 == (await browser.sign_in()).status
        assert sees == (await browser.go(f"/r/{HOST}/team/app")).status
        all_of_it = await browser.go("/compat/portus/api/v1/vulnerabilities", "POST", Origin=browser.url)
        assert admin == all_of_it.status


async def test_no_lie_is_believed(browser: Browser) -> None:
    """Whatever is wrong with a token or an answer: no session, and the next honest sign-on works."""
    now, provider = int(time.time()), browser.provider
    lies: list[dict[str, object]] = [
        *({"claims": {"iss": value}} for value in (f"{provider.issuer}/", "https://evil.example", None, [])),
        *({"claims": {"aud": value}} for value in ("other", ["other"], [], None, {CLIENT: 1})),
        {"claims": {"aud": [CLIENT, "other"]}},
        *({"claims": {"azp": value}} for value in ("other", "", [])),
        {"claims": {"aud": [CLIENT, "other"], "azp": "other"}},
        *({"claims": {"nonce": value}} for value in ("other", "", None)),
        *({"claims": {"exp": value}} for value in (now - 61, None, "soon", True)),
        *({"claims": {"iat": value}} for value in (now - 700, now + 120, None)),
        *({"claims": {"nbf": value}} for value in (now + 120, "now")),
        *({"claims": {"sub": value}} for value in (None, "", 7, "a\nb", "x" * 201)),
        *({"claims": {"groups": value}} for value in (7, [7], {"ops": True})),
        *({"sign": value} for value in (provider.unsigned, provider.by_public_key, provider.by_own_key)),
        *({"sign": value} for value in (provider.changed, lambda _: "x", lambda _: "a.b.c", lambda _: None)),
        *({"back": {"iss": value}} for value in ("https://evil.example", f"{provider.issuer}/")),
        *({"back": {"state": value}} for value in ("other", "", None)),
        *({"back": {"code": value}} for value in ("other", "", None)),
        {"back": {"code": None, "error": "access_denied"}},
    ]
    for lie in lies:
        provider.lie(**lie)
        answer = await browser.sign_in()
        assert (403, False) == (answer.status, await browser.is_in()), lie
        assert SECRET not in await answer.text()
    provider.lie(back={"iss": provider.issuer}, claims={"aud": [CLIENT, "other"], "azp": CLIENT})
    assert 303 == (await browser.sign_in()).status
    assert await browser.is_in()


async def test_who_comes_back_has_gone_there(browser: Browser) -> None:
    """An answer is for the browser that began, once, and for its newest way there."""
    back = await browser.to_the_provider()
    async with aiohttp.ClientSession() as other, other.get(back, allow_redirects=False) as answer:
        assert 403 == answer.status
    newer = await browser.to_the_provider()
    assert 403 == (await browser.go(back)).status
    way = {one.key: one.value for one in browser.http.cookie_jar}
    assert 303 == (await browser.go(newer)).status
    assert 403 == (await browser.go(newer)).status
    browser.http.cookie_jar.update_cookies({"portus-sign-on": way["portus-sign-on"]})
    assert "is over" in await (await browser.go(newer)).text()
    browser.http.cookie_jar.update_cookies({"portus-sign-on": f"x{way['portus-sign-on']}"})
    assert "did not begin" in await (await browser.go(newer)).text()


async def test_nobody_is_sent_elsewhere(browser: Browser) -> None:
    """Only an address of the service is gone to after a sign-on."""
    for after in (
        *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "r"),
        *("javascript:alert(1)", "/r\r\nSet-Cookie: a=b", "/%0d%0a\x00", "@evil.example", f"/{'r' * 1_000}"),
    ):
        assert f"{browser.url}/" == (await browser.sign_in(after)).headers["Location"], after
    assert f"{browser.url}/queue?a=%5C" == (await browser.sign_in("/queue?a=%5C")).headers["Location"]


async def test_a_link_local_provider_is_not_asked(store: Store) -> None:
    """Where machines are rented such an address gives their credentials to whoever asks."""
    settings = SignOnSettings(issuer="https://169.254.169.254", client_id=CLIENT, client_secret=Secret(SECRET))
    with pytest.raises(SignOnError, match="does not answer") as caught:
        await Provider(settings, "http://127.0.0.1/back", time.time).make_url("s", "n", "c")
    assert isinstance(getattr(caught.value.__cause__, "os_error", None), AddressError)


async def test_a_new_key_is_asked_for_once(store: Store) -> None:
    """A token with a key that is not known makes the keys be asked for again, once a minute at most."""
    async with oidc_provider() as honest:
        settings = SignOnSettings(issuer=honest.issuer, client_id=CLIENT, client_secret=Secret(SECRET))
        now = [time.time()]
        provider = Provider(settings, "http://127.0.0.1/back", lambda: now[-1])

        async def sign_in() -> str:
            where = await provider.make_url("s", "n", "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ")
            async with aiohttp.ClientSession() as http, http.get(where, allow_redirects=False) as answer:
                code = answer.headers["Location"].split("code=")[1].split("&")[0]
            return (await provider.identify(code, "hello", "n", None)).name

        assert "alice" == await sign_in()
        honest.keys.insert(0, RSAKey.generate_key(2048, {"kid": "2"}))
        for _ in range(2):
            with pytest.raises(SignOnError, match="not valid"):
                await sign_in()
        assert ["keys"] == honest.asked
        now.append(now[-1] + 61)
        assert "alice" == await sign_in()
        assert ["keys"] * 2 == honest.asked
        now.append(now[-1] + 3_601)
        for lie in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example"}, {"jwks_uri": 7}):
            honest.metadata = lie
            with pytest.raises(SignOnError):
                await sign_in()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{issuer: 'http://id.example', client_id: a, client_secret: b}", "begins with https://"),
        ("{issuer: 'https://id.example', client_id: a}", "give client_secret or client_secret_file"),
        ("{issuer: 'https://id.example', client_id: a, client_secret: b, algorithms: [HS256]}", "algorithms: some of"),
        ("{issuer: 'https://id.example', client_id: a, client_secret: b, algorithms: [none]}", "algorithms: some of"),
        ("{issuer: 'https://id.example', client_id: a, client_secret: b, session: 9h}", "session must be 60 s to 8 h"),
    ],
)
def test_mistakes(tmp_path_factory: pytest.TempPathFactory, text: str, fault: str) -> None:
    """Each is said before anything is begun."""
    path = tmp_path_factory.mktemp("config") / "config.yml"
    path.write_text(f"access: {{sign_on: {text}}}")
    with pytest.raises(SettingsError, match=fault):
        read_access(read_yaml(path))
