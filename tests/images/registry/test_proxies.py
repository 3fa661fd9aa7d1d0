"""Proxies: which one leads where, by Go's rules; tunnels, plain requests, credentials, failures."""

from __future__ import annotations

import traceback
from base64 import b64encode
from pathlib import Path

import pytest
from portus_images import RegistrySettings
from portus_images.registry.transport import Proxies
from portus_scanners import Reference, RegistryError, RegistryUnavailableError
from portus_scanners_testing.registry import StandInRegistry
from standins.proxy import StandInProxy
from yarl import URL

from .conftest import BUILT, LOGIN, Certificate, Connect, reference_on

EXAMPLE = "http://proxy.example:3128"


def proxy_for(url: str, **environ: str) -> str | None:
    """Return the proxy's address."""
    proxy = Proxies(environ).find(URL(url), "r.example")
    return str(proxy.url).rstrip("/") if proxy else None


@pytest.mark.parametrize("names", [("HTTP_PROXY", "HTTPS_PROXY"), ("http_proxy", "https_proxy")])
def test_each_scheme_has_its_proxy(names: tuple[str, str]) -> None:
    """In capitals and in small letters."""
    environ = {names[0]: "http://plain.example:1", names[1]: "http://tls.example:2"}

    assert "http://plain.example:1" == proxy_for("http://r.example/", **environ)
    assert "http://tls.example:2" == proxy_for("https://r.example/", **environ)


def test_capitals_count_before_small_letters() -> None:
    """As with Go."""
    found = proxy_for("http://r.example/", HTTP_PROXY=EXAMPLE, http_proxy="http://other.example:1")

    assert EXAMPLE == found


@pytest.mark.parametrize(
    "url", ["http://localhost/", "https://127.0.0.1:5000/", "http://127.1.2.3/", "http://[::1]:5000/"]
)
def test_this_machine_is_never_behind_a_proxy(url: str) -> None:
    """As with Go."""
    assert proxy_for(url, HTTP_PROXY=EXAMPLE, HTTPS_PROXY=EXAMPLE) is None


@pytest.mark.parametrize(
    ("words", "url", "direct"),
    [
        ("*", "http://r.example/", True),
        ("r.example", "http://r.example/", True),
        ("r.example", "http://r.example:5000/", True),
        ("r.example", "http://a.r.example/", True),
        ("r.example", "http://ar.example/", False),
        ("r.example", "http://r.example.evil/", False),
        ("R.Example", "http://r.EXAMPLE/", True),
        (".r.example", "http://a.r.example/", True),
        (".r.example", "http://r.example/", False),
        ("*.r.example", "http://a.b.r.example/", True),
        ("*.r.example", "http://r.example/", False),
        ("r.example:5000", "http://r.example:5000/", True),
        ("r.example:5000", "http://r.example:5001/", False),
        ("r.example:80", "http://r.example/", True),
        ("r.example:443", "https://a.r.example/", True),
        ("a.example, ,r.example ", "http://r.example/", True),
        ("10.0.0.1", "http://10.0.0.1:5000/", True),
        ("10.0.0.1", "http://10.0.0.2/", False),
        ("10.0.0.1:5000", "http://10.0.0.1:5000/", True),
        ("10.0.0.1:5000", "http://10.0.0.1:5001/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.0.0.0/8", "http://r.example/", False),
        ("10.0.0.0/99", "http://10.1.2.3/", False),
        ("2001:db8::/32", "http://[2001:db8::5]/", True),
        ("2001:db8::5", "http://[2001:db8:0::5]:5000/", True),
        ("[2001:db8::5]:5000", "http://[2001:db8::5]:5000/", True),
        ("[2001:db8::5]:5000", "http://[2001:db8::5]:5001/", False),
        ("", "http://r.example/", False),
    ],
)
def test_exceptions_are_gos(words: str, url: str, direct: bool) -> None:
    """Domains with all below, ports, addresses, networks."""
    assert direct == (proxy_for(url, HTTP_PROXY=EXAMPLE, HTTPS_PROXY=EXAMPLE, NO_PROXY=words) is None)


@pytest.mark.parametrize(
    "address", ["proxy.example:3128", "http://proxy.example:3128/", "http://u:p@proxy.example:3128"]
)
def test_an_address_may_be_short_or_have_credentials(address: str) -> None:
    """The credentials are not in the address that is kept."""
    assert EXAMPLE == proxy_for("http://r.example/", HTTP_PROXY=address)


@pytest.mark.parametrize(
    "address",
    ["https://proxy.example", "socks5://canary@proxy.example:1", "http://", "http://[::1", "proxy:99999", "a b"],
)
def test_another_kind_of_proxy_is_an_error_where_it_would_be_used(address: str) -> None:
    """It names the variable and not its value, which may hold a password."""
    assert proxy_for("https://r.example/", HTTP_PROXY=address) is None
    with pytest.raises(RegistryUnavailableError, match="HTTP_PROXY is not a valid address") as caught:
        proxy_for("http://r.example/", HTTP_PROXY=address)

    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("credentials", ["", "me:p%40ss"])
async def test_a_plain_registry_is_reached_through_the_proxy(connect: Connect, credentials: str) -> None:
    """Its own credentials go on, the proxy's do not."""
    async with StandInRegistry(auth="token") as server, StandInProxy(server.host) as proxy:
        server.push("team/app", "1", BUILT)
        proxy.credentials = credentials.replace("%40", "@")
        settings = {"r.example:5000": RegistrySettings(url="http://r.example:5000", **LOGIN)}
        environ = {"HTTP_PROXY": f"http://{credentials}@{proxy.host}" if credentials else proxy.url}
        with pytest.raises(RegistryError, match="plain HTTP"):  # the realm is on another host than the registry
            await connect(settings, **environ).resolve(Reference.parse("r.example:5000/team/app:1"))
        server.auth = "basic"
        found = await connect(settings, **environ).resolve(Reference.parse("r.example:5000/team/app:1"))

        assert BUILT.digest == found.digest
        assert {"GET"} == {request.method for request in proxy.requests}
        assert proxy.requests[0].target.startswith("http://r.example:5000/v2/")
        assert [] == [request for request in server.requests if "Proxy-Authorization" in request.headers]


async def test_a_tls_registry_is_reached_through_a_tunnel(connect: Connect, certificate: Certificate) -> None:
    """The proxy sees the name, its own credentials, and nothing else."""
    async with StandInRegistry(auth="basic", tls=certificate.server) as server, StandInProxy(server.host) as proxy:
        server.push("team/app", "1", BUILT)
        proxy.credentials = "me:secret"
        settings = {"r.example": RegistrySettings(insecure=True, **LOGIN)}
        client = connect(settings, HTTPS_PROXY=proxy.url)
        found = await client.resolve(Reference.parse("r.example/team/app:1"))

        assert BUILT.digest == found.digest
        assert {("CONNECT", "r.example:443")} == {(request.method, request.target) for request in proxy.requests}
        assert {f"Basic {b64encode(b'me:secret').decode()}"} == {
            request.headers["proxy-authorization"] for request in proxy.requests
        }
        assert [] == [request for request in proxy.requests if "authorization" in request.headers]


async def test_a_certificate_is_verified_through_a_tunnel_too(connect: Connect, certificate: Certificate) -> None:
    """A proxy is somebody in between."""
    async with StandInRegistry(tls=certificate.server) as server, StandInProxy(server.host) as proxy:
        with pytest.raises(RegistryUnavailableError, match="certificate"):
            await connect(HTTPS_PROXY=proxy.url).resolve(Reference.parse("r.example/team/app:1"))

        assert [] == server.requests


async def test_an_insecure_plain_registry_is_found_behind_a_proxy(connect: Connect) -> None:
    """The tunnel comes about, TLS does not: then plain HTTP is tried."""
    async with StandInRegistry() as server, StandInProxy(server.host) as proxy:
        server.push("team/app", "1", BUILT)
        client = connect({"r.example": RegistrySettings(insecure=True)}, HTTPS_PROXY=proxy.url, HTTP_PROXY=proxy.url)
        found = await client.resolve(Reference.parse("r.example/team/app:1"))

    assert BUILT.digest == found.digest


async def test_a_registry_on_this_machine_is_reached_directly(connect: Connect) -> None:
    """And one that NO_PROXY names."""
    async with StandInRegistry() as server, StandInProxy(refusal=403) as proxy:
        server.push("team/app", "1", BUILT)
        found = await connect(HTTP_PROXY=proxy.url, HTTPS_PROXY=proxy.url).resolve(reference_on(server))

        assert (BUILT.digest, []) == (found.digest, proxy.requests)


@pytest.mark.parametrize(
    ("scheme", "refusal", "words"),
    [
        ("http", 407, "wants other credentials"),
        ("https", 407, "wants other credentials"),
        ("https", 403, "HTTP 403; check the proxy"),
        ("https", 502, "HTTP 502; check the proxy"),
    ],
)
async def test_a_proxy_that_refuses_is_named(connect: Connect, scheme: str, refusal: int, words: str) -> None:
    """Not the registry, which was never asked; the proxy's password is nowhere."""
    async with StandInProxy(refusal=refusal) as proxy:
        environ = {f"{scheme.upper()}_PROXY": f"http://me:canary@{proxy.host}"}
        client = connect({"r.example": RegistrySettings(url=f"{scheme}://r.example")}, **environ)
        with pytest.raises(RegistryUnavailableError, match=words) as caught:
            await client.resolve(Reference.parse("r.example/team/app:1"))

        assert ("connect", True) == (caught.value.step, proxy.host in str(caught.value))
    assert "canary" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_named(connect: Connect, scheme: str) -> None:
    """With the variables to look at."""
    async with StandInProxy() as proxy:
        gone = proxy.host
    environ = {f"{scheme.upper()}_PROXY": f"http://me:canary@{gone}"}
    client = connect({"r.example": RegistrySettings(url=f"{scheme}://r.example")}, **environ)
    with pytest.raises(RegistryUnavailableError, match=rf"the proxy {gone}.*HTTP_PROXY") as caught:
        await client.resolve(Reference.parse("r.example/team/app:1"))

    assert "canary" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__)


async def test_the_environment_is_read_once(connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the client, when it is made; aiohttp reads none of it."""
    async with StandInRegistry() as server:
        server.push("team/app", "1", BUILT)
        client = connect(DOCKER_CONFIG=str(tmp_path))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        (tmp_path / ".netrc").write_text("default login a password b")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        await client.resolve(reference_on(server))

        assert [] == [request for request in server.requests if "Authorization" in request.headers]
