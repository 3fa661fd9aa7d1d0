"""A scripted Clair on a real socket, and a registry that is only a context: each answers what a test tells it to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import portus_scanner_clair.client
import pytest
from aiohttp import web
from attrs import field, frozen
from portus_scanner_clair import ClairScanner, ClairSettings
from portus_scanner_clair.layers import make_chain
from portus_scanners import BlobAccess, BlobHead, Image, Layer, Reference, ScannerContext
from standins.serving import LoopbackServer

UNKNOWN = "the resource cannot be found"


@frozen
class Said:
    """One answer; without a status the connection is closed."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    chunked: bool = False


class ScriptedClair(LoopbackServer):
    """Answers by method and path as told; the last answer for a call is given again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._script: dict[str, list[Said]] = defaultdict(list)
        self.calls: list[tuple[str, str, Any]] = []
        """Method, target and JSON of each request but those of the health port."""

    def on(self, call: str, *answers: Said) -> None:
        """Say what is answered to ``GET layer``, ``POST layer``, ``GET namespaces``, ``GET health``."""
        self._script[call] += answers

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The layers posted, in order."""
        return [body["Layer"] for method, _, body in self.calls if method == "POST"]

    @property
    def methods(self) -> str:
        """The methods in order, a letter each."""
        return "".join(method[0] for method, _, _ in self.calls)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        text = await request.text()
        self.calls.append((request.method, request.raw_path, json.loads(text) if text else None))
        told = self._script[f"{request.method} {_kind(request.raw_path)}"]
        said = told.pop(0) if len(told) > 1 else told[0]
        if not said.status:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        response = web.Response(status=said.status, body=said.body, headers=said.headers)
        if said.chunked:
            response.enable_chunked_encoding()
        if said.headers.get("Content-Encoding") == "gzip":
            del response.headers["Content-Encoding"]
            response.enable_compression(web.ContentCoding.gzip)
        return response


def _kind(target: str) -> str:
    if target.startswith("/v1/layers"):
        return "layer"
    return "namespaces" if target.startswith("/v1/namespaces") else "health"


class ScriptedRegistry(ScannerContext):
    """The context of a scanner whose registry answers as told. New credentials for each blob, numbered."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, bool]] = []
        """Digest and *renew* of each request for credentials."""
        self.headed: list[str] = []
        self.progressed: list[tuple[int, int, str]] = []
        self.head: BlobHead | Exception = BlobHead(status=200)
        self.fault: Exception | None = None
        self.base = "http://registry.example:5000"

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False) -> BlobAccess:
        self.asked.append((layer.digest, renew))
        if self.fault is not None:
            raise self.fault
        url = f"{self.base}/v2/{image.reference.repository}/blobs/{layer.digest}"
        return BlobAccess(url=url, headers={"Authorization": f"Bearer secret-token-{len(self.asked)}"})

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        self.headed.append(layer.digest)
        if isinstance(self.head, Exception):
            raise self.head
        return self.head

    def progress(self, done: int, total: int, what: str = "") -> None:
        self.progressed.append((done, total, what))


def error(status: int, message: str) -> Said:
    """Return an error as Clair writes it."""
    body = json.dumps({"Error": {"Message": message}}, separators=(",", ":")).encode() + b"\n"
    return Said(status, body, {"Content-Type": "application/json;charset=utf-8", "Server": "clair"})


@pytest.fixture(name="error")
def _error() -> Callable[[int, str], Said]:
    """A function that makes an error answer as Clair writes it, of status and message."""
    return error


@pytest.fixture
def said() -> type[Said]:
    """The class of answers."""
    return Said


@pytest.fixture
def result(scanner: ClairScanner, image: Image) -> Callable[..., Said]:
    """A function that makes the answer for the image, with these features and namespace."""

    def make(features: object = None, namespace: str | None = "debian:12", **more: object) -> Said:
        name = make_chain(image.layers, scanner.settings.salt)[-1].name
        layer = {"Name": name, "NamespaceName": namespace, "IndexedByVersion": 3, "Features": features, **more}
        body = json.dumps({"Layer": {key: value for key, value in layer.items() if value is not None}})
        return Said(200, body.encode(), {"Content-Type": "application/json;charset=utf-8"}, chunked=True)

    return make


@pytest.fixture
def bash() -> dict[str, Any]:
    """A feature with one vulnerability."""
    flaw = {"Name": "CVE-2099-0001", "NamespaceName": "debian:12", "Severity": "High", "FixedBy": "5.2-2"}
    return {"Name": "bash", "NamespaceName": "debian:12", "Version": "5.2-1", "Vulnerabilities": [flaw]}


@pytest.fixture
async def clair() -> AsyncIterator[ScriptedClair]:
    """A Clair that does not know the image."""
    async with ScriptedClair() as server:
        yield server


@pytest.fixture
async def registry(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedRegistry]:
    """The registry, as the scanner's context; pauses take no time."""
    monkeypatch.setattr(portus_scanner_clair.client, "RACE_PAUSE", 0.0)
    async with ScriptedRegistry() as context:
        yield context


@pytest.fixture
def scanner(clair: ScriptedClair, registry: ScriptedRegistry) -> ClairScanner:
    """The scanner, with the scripted Clair as its server, for the API and for the health port."""
    port = int(clair.host.rpartition(":")[2])
    return ClairScanner(ClairSettings(server=clair.url, health_port=port), registry)


@pytest.fixture
def image() -> Image:
    """An image of three layers."""
    layers = tuple(Layer(digest=f"sha256:{number:064x}", size=100 + number) for number in (1, 2, 3))
    reference = Reference.parse("registry.example:5000/team/app:1.0")
    return Image(reference=reference, digest="sha256:" + "a" * 64, layers=layers)
