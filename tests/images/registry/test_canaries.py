"""Secrets with a canary in them: every source, every path, and everything that was written is searched for it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import traceback
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from attrs import define, field
from portus_images import Registry, RegistrySettings
from portus_scanners import (
    Engine,
    Image,
    Plugin,
    PortusError,
    RegistryError,
    ReportDocument,
    Scanner,
    ScannerReport,
    ScannerSection,
    ScannerSettings,
    Settings,
    UnresolvedImage,
    dump_document,
)
from portus_scanners_testing import ScriptedServer
from standins.proxy import StandInProxy

from .conftest import BUILT, MANIFEST, Certificate, Connect, reference_on

PASSWORD, IDENTITY, OWNED, ISSUED = "pass-canary:1", "identity-canary-2", "owned-canary-3", "issued-canary-4"
PROXY = "me:proxy-canary-5"
SIGNATURE = "signature-canary-6"
COOKIE = "cookie-canary-7"
HOST = "r.example"
BLOB = f"/v2/team/app/blobs/{BUILT.layers[0].digest}"


def in_every_form() -> list[str]:
    """Return the secrets as they are, as Base64 of Basic authentication, and as in an address."""
    plain = [PASSWORD, IDENTITY, OWNED, ISSUED, PROXY, SIGNATURE, COOKIE]
    encoded = [b64encode(pair.encode()).decode() for pair in (f"user:{PASSWORD}", PROXY)]
    return ["canary", *plain, *encoded, *map(quote, plain)]


@define
class Everything:
    """All that was written."""

    stream: io.StringIO = field(factory=io.StringIO)
    children: list[str] = field(factory=list)

    def write(self, *texts: object) -> None:
        """Add some."""
        for text in texts:
            self.stream.write(f"{text}\n")

    def write_error(self, error: BaseException | None) -> None:
        """Add an exception and all that it came from."""
        while error is not None:
            notes = getattr(error, "__notes__", "")
            self.write(error, repr(error), repr(error.args), notes, repr(vars(error)))
            self.write("".join(traceback.format_exception(error)))
            self.write_error(error.__cause__)
            error = error.__context__

    def write_objects(self, thing: object, seen: set[int]) -> None:
        """Add the repr of an object of ours, and of those that it holds."""
        if id(thing) in seen or not type(thing).__module__.startswith("portus_scanners"):
            return
        seen.add(id(thing))
        self.write(repr(thing), str(thing), f"{thing}")
        held = getattr(thing, "__dict__", None) or {name: getattr(thing, name, None) for name in _slots(thing)}
        for value in held.values():
            for inner in value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]:
                self.write_objects(inner, seen)

    @property
    def leaks(self) -> list[str]:
        """The lines with a secret."""
        forms = in_every_form()
        return [line for line in self.stream.getvalue().splitlines() if any(form in line for form in forms)]


def _slots(thing: object) -> list[str]:
    return [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]


@pytest.fixture
def everything() -> Iterator[Everything]:
    """Collects the records of all loggers at DEBUG, tracebacks too."""
    found = Everything()
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("", "asyncio", "aiohttp.client", "aiohttp.internal", "aiohttp.web")]
    levels = [logger.level for logger in loggers]
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield found
    logging.getLogger().removeHandler(handler)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


class Curious(Scanner[ScannerSettings], contract=1):
    """Asks for everything and logs what it gets."""

    async def scan(self, image: Image) -> ScannerReport:
        for number, layer in enumerate(image.layers):
            for renew in (False, True):
                access = await self.context.blob(image, layer, renew=renew)
                self.context.logger.warning("got %r %s", access, access)
            self.context.progress(number, len(image.layers), "layer")
            self.context.logger.warning("head %r", await self.context.head_blob(image, layer))
        return ScannerReport()


class Installed(Plugin):
    """What discovery would find."""

    def load(self) -> type[Scanner[Any]]:
        """Return the scanner."""
        return Curious


PLUGIN = Installed(name="curious", value="canaries:Curious", distribution="canaries", version="1.0")


Source = Callable[[Path], tuple[dict[str, str], dict[str, str]]]


def of_file(key: str, secret: str) -> Source:
    """Secrets in a file that the configuration names."""

    def prepare(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        (folder / "secret").write_text(f"{secret}\n")
        return {key: str(folder / "secret")}, {}

    return prepare


def of_entry(name: str, folder_variable: str, **entry: str) -> Source:
    """Secrets in a file of Docker or podman."""

    def prepare(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        path = folder / name
        path.write_text(json.dumps({"auths": {HOST: entry}}))
        return {}, {folder_variable: str(folder if folder_variable == "DOCKER_CONFIG" else path)}

    return prepare


def of_helper(username: str, secret: str, status: int = 0) -> Source:
    """Secrets that a program gives; it notes its arguments."""

    def prepare(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        (folder / "config.json").write_text(json.dumps({"credsStore": "canned"}))
        answer = json.dumps({"Username": username, "Secret": secret})
        path = folder / "docker-credential-canned"
        path.write_text(
            f"#!{sys.executable} -I\nimport sys\nopen({str(folder / 'arguments')!r}, 'w').write(repr(sys.argv))\n"
            f"print({answer!r}), print({secret!r}, file=sys.stderr), sys.exit({status})\n"
        )
        path.chmod(0o755)
        return {}, {"DOCKER_CONFIG": str(folder), "PATH": str(folder)}

    return prepare


SOURCES: dict[str, Source] = {
    "configuration": lambda _: ({"username": "user", "password": PASSWORD}, {}),
    "file": lambda folder: ({"username": "user", **of_file("password_file", PASSWORD)(folder)[0]}, {}),
    "variable": lambda _: ({"username": "user", "password_env": "MY_SECRET"}, {"MY_SECRET": PASSWORD}),
    "identity": lambda _: ({"identity_token": IDENTITY}, {}),
    "identity-file": of_file("identity_token_file", IDENTITY),
    "owned": lambda _: ({"registry_token": OWNED}, {}),
    "owned-file": of_file("registry_token_file", OWNED),
    "docker": of_entry("config.json", "DOCKER_CONFIG", auth=b64encode(f"user:{PASSWORD}".encode()).decode()),
    "docker-identity": of_entry("config.json", "DOCKER_CONFIG", auth="PHRva2VuPjo=", identitytoken=IDENTITY),
    "docker-broken": of_entry("config.json", "DOCKER_CONFIG", auth=b64encode(b"pass-canary").decode()),
    "podman": of_entry("auth.json", "REGISTRY_AUTH_FILE", username="user", password=PASSWORD),
    "helper": of_helper("user", PASSWORD),
    "helper-identity": of_helper("<token>", IDENTITY),
    "helper-failing": of_helper("user", PASSWORD, status=3),
    "unsendable": lambda _: ({"username": "user:name", "password": PASSWORD}, {}),
    "unsendable-token": lambda _: ({"registry_token": f"{OWNED} {OWNED}"}, {}),
    "unset": lambda _: ({"username": "user", "password_env": "NOT_SET"}, {"MY_SECRET": PASSWORD}),
}


async def manifest(_request: web.BaseRequest) -> web.StreamResponse:
    """Let in."""
    return web.Response(body=BUILT.manifest, content_type=BUILT.media_type, headers={"Set-Cookie": f"a={COOKIE}"})


async def repeat(request: web.BaseRequest) -> web.StreamResponse:
    """Refuse, and repeat all that was sent."""
    text = f"not {dict(request.headers)} {(await request.read()).decode()}"
    said = {"errors": [{"code": "DENIED", "message": text}]}
    return web.Response(status=403, body=json.dumps(said).encode(), headers={"Set-Cookie": f"a={COOKIE}"})


async def refuse(request: web.BaseRequest) -> web.StreamResponse:
    """Never let anybody in."""
    headers = {"WWW-Authenticate": 'Bearer realm="/token",error="insufficient_scope"'}
    return web.Response(status=401, headers=headers, text=request.headers.get("Authorization", ""))


async def hang_up(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def break_http(request: web.BaseRequest) -> web.StreamResponse:
    """Answer what no parser takes, with all that was sent."""
    assert request.transport is not None
    request.transport.write(f"HTTP/1.1 abc {request.headers.get('Authorization')}\r\n\r\n".encode())
    request.transport.close()
    return web.Response()


async def hang(_request: web.BaseRequest) -> web.StreamResponse:
    """Never answer: once this is asked, the client's deadline strikes."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + 3600  # type: ignore[method-assign]
    await loop.create_future()
    raise AssertionError


def redirect(target: str, status: int = 307) -> Any:
    """Send elsewhere."""

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": target})

    return answer


def say(body: object, status: int = 200) -> Any:
    """Answer a text or an object."""

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers={"Set-Cookie": f"a={COOKIE}"})

    return answer


ISSUE = say({"token": ISSUED, "expires_in": 300})
PATHS: dict[str, tuple[Any, Any]] = {
    "good": (manifest, ISSUE),
    "repeated": (repeat, ISSUE),
    "refused": (refuse, ISSUE),
    "hung-up": (hang_up, ISSUE),
    "no-http": (break_http, ISSUE),
    "silent": (hang, ISSUE),
    "page": (say("<html>"), ISSUE),
    "out-of-order": (say("", 503), ISSUE),
    "signed-and-gone": (redirect(f"http://127.0.0.1:1/x?sig={SIGNATURE}"), ISSUE),
    "signed-and-silent": (redirect(f"/silent?sig={SIGNATURE}"), ISSUE),
    "signed-and-broken": (redirect(f"/broken?sig={SIGNATURE}"), ISSUE),
    "signed-and-downgraded": (redirect(f"ftp://r.example/x?sig={SIGNATURE}"), ISSUE),
    "userinfo": (redirect(f"http://user:{SIGNATURE}@r.example/x"), ISSUE),
    "nowhere": (redirect(f"http://[{SIGNATURE}/x"), ISSUE),
    "no-token": (manifest, say({"token": f"{ISSUED} {ISSUED}"})),
    "token-page": (manifest, say(f"<html>{ISSUED}")),
    "token-refused": (manifest, say({"details": "incorrect username or password"}, 401)),
    "token-repeated": (manifest, repeat),
    "token-redirected": (manifest, redirect(f"http://127.0.0.1:1/x?sig={SIGNATURE}")),
    "token-hung-up": (manifest, hang_up),
    "token-no-http": (manifest, break_http),
    "token-silent": (manifest, hang),
}


def guard(handler: Any) -> Any:
    """Challenge whoever sends nothing; to the others do the worst."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if "Authorization" in request.headers:
            response: web.StreamResponse = await handler(request)
            return response
        return web.Response(status=401, headers={"WWW-Authenticate": f'{answer.scheme} realm="/token"'})  # type: ignore[attr-defined]

    answer.scheme = "Bearer"  # type: ignore[attr-defined]
    return answer


@asynccontextmanager
async def house(path: tuple[Any, Any], scheme: str) -> AsyncIterator[tuple[ScriptedServer, StandInProxy]]:
    """A registry behind a proxy that wants a password."""
    handler, issue = path
    async with ScriptedServer() as server, StandInProxy(server.host, credentials=PROXY) as proxy:
        for place in (MANIFEST, BLOB):
            guarded = guard(handler)
            guarded.scheme = scheme
            server.script(place, guarded)
        server.script("/token", issue)
        server.script("/silent*", hang)
        server.script("/broken*", break_http)
        yield server, proxy


async def scan(everything: Everything, section: dict[str, str], environ: dict[str, str], wanted: str) -> None:
    """Scan the image, and write down all that is there to be written down."""
    registries = Settings.from_mapping({"registries": {HOST: {"url": f"http://{HOST}", **section}}}).registries
    scanners = {"curious": ScannerSection(name="curious", plugin="curious", enabled=True)}
    settings = Settings(scanners=scanners, registries=registries)
    everything.write(repr(settings))
    async with Registry(settings.registries, environ=environ) as client, Engine(settings, registry=client) as engine:
        scanning = engine.scan(wanted, on_progress=everything.write)
        try:
            report = await scanning
        except PortusError as error:
            everything.write_error(error)
            step = error.step if isinstance(error, RegistryError) else ""
            unresolved = UnresolvedImage(reference=wanted, step=step, message=str(error))
            everything.write(dump_document(ReportDocument(errors=(unresolved,))))
        else:
            everything.write(repr(report), dump_document(ReportDocument(reports=(report,))))
        everything.write_objects(client, set())
        everything.write_objects(engine, set())


@pytest.fixture(autouse=True)
def _curious(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portus_scanners.engine.engine.discover", lambda: (PLUGIN,))
    # in debug mode asyncio and aiohttp keep a stack with each thing that they make: lines of source, without a value in
    # them, that take half of the time
    monkeypatch.setattr("asyncio.constants.DEBUG_STACK_DEPTH", 1)
    monkeypatch.setattr(sys, "tracebacklimit", 1, raising=False)


async def try_out(
    everything: Everything, folder: Path, source: Source, path: tuple[Any, Any], scheme: str
) -> tuple[ScriptedServer, list[str]]:
    """Scan once, with asyncio's debug mode telling of every callback."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    section, environ = source(folder)
    async with house(path, scheme) as (server, proxy):
        proxies = {"HTTP_PROXY": f"http://{PROXY}@{proxy.host}"}
        await scan(everything, section, {**environ, **proxies}, f"{HOST}/team/app:1")
    arguments = folder / "arguments"
    if arguments.exists():
        everything.write(arguments.read_text())
    return server, [request.headers.get("proxy-authorization", "") for request in proxy.requests]


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
@pytest.mark.parametrize("source", SOURCES)
async def test_no_source_lets_a_secret_out(everything: Everything, tmp_path: Path, source: str, scheme: str) -> None:
    """Wherever it comes from, good or broken."""
    server, proxied = await try_out(everything, tmp_path, SOURCES[source], PATHS["good"], scheme)

    assert [] == everything.leaks
    unreadable = source.startswith(("unset", "unsendable", "docker-broken"))  # an error before anything is asked
    assert unreadable != (MANIFEST in [request.path for request in server.requests])
    assert all(proxied)


@pytest.mark.parametrize("source", ["configuration", "identity", "owned"])
@pytest.mark.parametrize("path", PATHS)
async def test_no_path_lets_a_secret_out(everything: Everything, tmp_path: Path, source: str, path: str) -> None:
    """Whatever the registry, its token service or a storage does."""
    server, _ = await try_out(everything, tmp_path, SOURCES[source], PATHS[path], "Bearer")

    assert [] == everything.leaks
    assert len(server.requests) > 1
    assert "portus_images.registry" in everything.stream.getvalue()
    assert "asyncio Executing" in everything.stream.getvalue()


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_client_key_stays_where_it_is(
    everything: Everything, certificate: Certificate, connect: Connect, trusted: bool
) -> None:
    """Whether TLS comes about or not."""
    asyncio.get_running_loop().set_debug(True)
    asyncio.get_running_loop().slow_callback_duration = 0.0
    key = Path(certificate.key_file).read_text().splitlines()[1]
    async with ScriptedServer(tls=certificate.server) as server:
        server.script(MANIFEST, manifest)
        settings = RegistrySettings(
            client_cert=certificate.ca_file,
            client_key=certificate.key_file,
            ca_file=certificate.ca_file if trusted else "",
        )
        client = connect({server.host: settings})
        try:
            everything.write(repr(await client.resolve(reference_on(server))))
        except RegistryError as error:
            everything.write_error(error)
        everything.write_objects(client, set())

    assert trusted == any(request.path == MANIFEST for request in server.requests)
    assert key not in everything.stream.getvalue()


async def test_the_search_finds_what_it_looks_for(everything: Everything) -> None:
    """A test that can't fail would prove nothing."""
    logging.getLogger("aiohttp.client").debug("sent %s", b64encode(f"user:{PASSWORD}".encode()).decode())
    error = RuntimeError("outer")
    error.__context__ = ValueError({"Authorization": f"Bearer {ISSUED}"})
    everything.write_error(error)

    assert 2 <= len(everything.leaks)
