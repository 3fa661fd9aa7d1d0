"""How a scanner's session reaches its server: certificates of both sides, and an account."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from portus_images.registry.credentials import server_account
from portus_scanners import (
    HttpScannerSettings,
    ScannerError,
    ScannerUnavailableError,
    Secret,
    SettingsError,
)
from portus_scanners.backends import HttpAnswer, HttpBackend, session_for
from portus_scanners_testing import Echo, ScriptedServer, StandInContext, open_engine
from standins.certificates import Certificate, make_certificate

PASSWORD = "canary: päss\tword"
TOKEN = "canary-token"


def basic(password: str) -> str:
    """Return the header for this password of ``scanner``."""
    return "Basic " + base64.b64encode(f"scanner:{password}".encode()).decode()


def demanding(certificate: Certificate) -> ssl.SSLContext:
    """Return what a server needs that wants to see the same certificate."""
    context = certificate.server_context()
    context.load_verify_locations(certificate.certificate_file)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def ask(settings: HttpScannerSettings, url: str = "", path: str = "/", **options: Any) -> HttpAnswer:
    """Ask a server as a scanner with these settings does, by default its own."""
    async with session_for(settings) as http, StandInContext(http=http) as context:
        return await HttpBackend(context, url or settings.server, **options).request("GET", path)


async def test_a_server_sees_the_client_certificate(tmp_path: Path) -> None:
    """With ``client_cert`` and ``client_key`` a server that wants a certificate answers."""
    ours = await make_certificate(tmp_path)
    async with ScriptedServer(tls=demanding(ours)) as server:
        server.script("/", {})
        settings = HttpScannerSettings(
            server=server.url,
            ca_file=str(ours.certificate_file),
            client_cert=str(ours.certificate_file),
            client_key=str(ours.key_file),
        )
        assert 200 == (await ask(settings)).status


async def test_a_server_that_misses_the_certificate_names_the_setting(tmp_path: Path) -> None:
    """Without one the connection breaks after the handshake: the message says what the server may want."""
    ours = await make_certificate(tmp_path)
    async with ScriptedServer(tls=demanding(ours)) as server:
        settings = HttpScannerSettings(server=server.url, ca_file=str(ours.certificate_file))
        with pytest.raises(ScannerUnavailableError, match="if it wants a client certificate: client_cert"):
            await ask(settings)


@pytest.mark.parametrize(
    ("options", "trusted", "message"),
    [
        ({"start": "20200101000000Z", "end": "20200102000000Z"}, True, "a certificate that has expired; renew it"),
        (
            {"start": "21000101000000Z", "end": "21000102000000Z"},
            True,
            "a certificate that is not valid yet; check the",
        ),
        ({"address": "clair.example"}, True, "a certificate for another host; use a name or address that is in"),
        ({"address": "10.1.2.3"}, True, "a certificate for another host; use a name or address that is in"),
        ({}, False, "a certificate that can't be verified; give its authority as ca_file"),
    ],
    ids=["expired", "not yet", "another name", "another address", "unknown authority"],
)
async def test_each_fault_of_a_certificate_has_its_own_advice(
    tmp_path: Path, options: dict[str, str], message: str, *, trusted: bool
) -> None:
    """An authority file helps against an unknown authority alone; no fault of a certificate is worth another try."""
    made = await make_certificate(tmp_path, **options)
    async with ScriptedServer(tls=made.server_context()) as server:
        settings = HttpScannerSettings(server=server.url, ca_file=str(made.certificate_file) if trusted else "")
        with pytest.raises(ScannerUnavailableError, match=message) as raised:
            await ask(settings)
    assert raised.value.retry is False


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"username": "scanner", "password": Secret(PASSWORD)}, basic(PASSWORD)),
        ({"token": Secret(TOKEN)}, f"Bearer {TOKEN}"),
        ({"username": "scanner", "password_file": "FILE"}, basic("canary-of-the-file")),
        ({"token_file": "FILE"}, "Bearer canary-of-the-file"),
        ({"username": "scanner", "password_env": "OURS"}, basic("canary-of-the-variable")),
        ({"token_env": "OURS"}, "Bearer canary-of-the-variable"),
        ({}, None),
    ],
)
async def test_the_account_is_sent_with_every_request(
    settings: dict[str, Any], header: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Basic or Bearer, the secret given itself, in a file or in a variable; masked where the server quotes it."""
    monkeypatch.setenv("OURS", "canary-of-the-variable")
    (tmp_path / "secret").write_text("canary-of-the-file\n")
    given = {key: str(tmp_path / "secret") if value == "FILE" else value for key, value in settings.items()}
    async with ScriptedServer() as server:
        server.script("/", Echo(400))
        answer = await ask(HttpScannerSettings(server=server.url, **given))
    assert [header] == [request.headers.get("Authorization") for request in server.requests]
    shown = answer.excerpt + answer.mask(answer.body.decode()) + repr(answer)
    assert "canary" not in shown
    assert header is None or header not in shown


@pytest.mark.parametrize(
    "quoted", [PASSWORD, f"scanner:{PASSWORD}", basic(PASSWORD), basic(PASSWORD).partition(" ")[2]]
)
def test_a_password_is_masked_in_each_of_its_forms(quoted: str) -> None:
    """A server may quote the header, what it encodes, or the password alone."""
    answer = HttpAnswer(status=401, headers={}, body=b"", secrets=frozenset({Secret(basic(PASSWORD))}))
    assert "wrong: ******!" == answer.mask(f"wrong: {quoted}!")


async def test_the_account_is_for_the_scanners_own_server_alone() -> None:
    """Another server, the same host at another port among them, gets no account, nor does the target of a redirect."""
    async with ScriptedServer() as server, ScriptedServer() as other:
        server.script("/", {})
        other.script("/", {})
        server.redirect("/away", f"{other.url}/")
        settings = HttpScannerSettings(server=f"{server.url}/base", token=Secret(TOKEN))
        async with session_for(settings) as http, StandInContext(http=http) as context:
            await HttpBackend(context, server.url).request("GET", "/")
            await HttpBackend(context, other.url).request("GET", "/")
            async with http.get(f"{server.url}/away") as followed:
                assert 200 == followed.status
    assert [f"Bearer {TOKEN}"] * 2 == [request.headers.get("Authorization") for request in server.requests]
    assert [None, None] == [request.headers.get("Authorization") for request in other.requests]


async def test_a_header_of_the_plugins_own_stays() -> None:
    """A request that has an ``Authorization`` already keeps it."""
    async with ScriptedServer() as server:
        server.script("/", {})
        settings = HttpScannerSettings(server=server.url, token=Secret(TOKEN))
        await ask(settings, headers={"Authorization": Secret("Own scheme")})
    assert ["Own scheme"] == [request.headers["Authorization"] for request in server.requests]


async def test_an_account_of_the_plugins_own_is_its_own() -> None:
    """Settings that define the token themselves mean something of their own by it: the session sends nothing."""

    @frozen(kw_only=True)
    class OwnSettings(HttpScannerSettings):
        token: Secret = field(factory=Secret)

    @frozen(kw_only=True)
    class DerivedSettings(OwnSettings):
        flavour: str = ""

    async with ScriptedServer() as server:
        server.script("/", {})
        await ask(DerivedSettings(server=server.url, token=Secret(TOKEN), username="x"))
    assert [None] == [request.headers.get("Authorization") for request in server.requests]


async def test_a_rotated_token_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read again after a minute; if it is gone by then, nothing is sent, and the error names it."""
    now = 0.0
    monkeypatch.setattr(server_account.time, "monotonic", lambda: now)
    file = tmp_path / "token"
    file.write_text("first")
    async with ScriptedServer() as server:
        server.script("/", {})
        settings = HttpScannerSettings(server=server.url, token_file=str(file))
        async with session_for(settings) as http, StandInContext(http=http) as context:
            backend = HttpBackend(context, server.url)
            await backend.request("GET", "/")
            file.write_text("second")
            await backend.request("GET", "/")
            now = 61.0
            await backend.request("GET", "/")
            file.unlink()
            now = 122.0
            with pytest.raises(ScannerError, match=f"was not asked: {file} can't be read"):
                await backend.request("GET", "/")
    assert ["Bearer first", "Bearer first", "Bearer second"] == [
        one.headers["Authorization"] for one in server.requests
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"username": "a", "password": "b", "token": "c"}, "password and token exclude each other"),
        ({"token": "c", "token_env": "D"}, "token and token_env say the same thing"),
        ({"password": "b"}, "a password needs a username"),
        ({"username": "a"}, "a username needs a password"),
        ({"client_key": "k.pem"}, "client_key needs a client_cert"),
        ({"token_env": "hunter2!"}, "token_env is the name of an environment variable"),
    ],
)
def test_settings_that_contradict_each_other(values: dict[str, str], message: str) -> None:
    """What can't be meant is an error, which shows no value."""
    given = {key: Secret(value) if key in {"password", "token"} else value for key, value in values.items()}
    with pytest.raises(ValueError, match=message) as raised:
        HttpScannerSettings(server="http://a.example", **given)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"token_file": "/nowhere/token"}, "security.tested: /nowhere/token can't be read .*No such file"),
        ({"token_env": "NOT_SET_ANYWHERE"}, "security.tested: the environment variable NOT_SET_ANYWHERE is not set"),
        ({"token": "two words"}, "security.tested: the username, password or token have a token with a space"),
        ({"username": "a:b", "password": "c"}, "security.tested: .*colon in the username"),
        ({"ca_file": "/nowhere/ca.pem"}, "security.tested: the ca_file /nowhere/ca.pem can't be used: No such file"),
        ({"client_cert": "/nowhere/c.pem"}, "security.tested: the client_cert /nowhere/c.pem can't be used"),
    ],
)
async def test_what_can_not_be_used_is_said_at_the_start(values: dict[str, str], message: str) -> None:
    """A file or variable that is not there, or holds what can't be sent, is an error of the configuration."""
    from portus_scanner_clair import ClairScanner

    with pytest.raises(SettingsError, match=message):
        async with open_engine(ClairScanner, {"server": "http://127.0.0.1:1", **values}):
            pass
