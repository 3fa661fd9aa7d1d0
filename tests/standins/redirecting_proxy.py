"""A front before a registry that keeps its blobs elsewhere, as clouds' registries do.

Manifests and refusals are the registry's own; a blob is a redirect to a signed address of a storage on another port,
which, like S3, refuses requests that carry an ``Authorization`` besides the signature.
"""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web
from portus_scanners_testing import LoopbackServer
from yarl import URL

_PASSED_ON = ("Authorization", "Accept")
_KEPT = ("Content-Type", "Docker-Content-Digest", "WWW-Authenticate")


class Storage(LoopbackServer):
    """Blobs under signed addresses.

    Args:
        registry: Where they come from: scheme and host.
    """

    def __init__(self, registry: str) -> None:
        super().__init__()
        self._registry = registry
        self._signed: dict[str, tuple[str, str]] = {}

    def sign(self, path: str, authorization: str) -> str:
        """Return an address under which a blob is found once and again."""
        signature = secrets.token_hex(16)
        self._signed[signature] = (path, authorization)
        return f"{self.url}/blob?X-Amz-Signature={signature}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve the blob to a client with the signature and no other credentials."""
        found = self._signed.get(request.raw_path.rpartition("=")[2])
        if found is None or "Authorization" in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        path, authorization = found
        headers = {"Authorization": authorization} if authorization else {}
        url = URL(f"{self._registry}{path}", encoded=True)
        async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as response:
            return web.Response(status=response.status, body=await response.read())


class RedirectingProxy(LoopbackServer):
    """The front.

    Args:
        registry: What it stands before: scheme and host.
    """

    def __init__(self, registry: str) -> None:
        super().__init__()
        self.storage = Storage(registry)
        self._registry = registry

    async def __aenter__(self) -> Self:
        await self.storage.__aenter__()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self.storage.__aexit__(kind, error, trace)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Ask the registry, and answer as it does; but send to the storage who may have a blob."""
        headers = {name: ",".join(request.headers.getall(name)) for name in _PASSED_ON if name in request.headers}
        url = URL(f"{self._registry}{request.raw_path}", encoded=True)
        is_blob = "/blobs/" in request.raw_path
        method = "HEAD" if is_blob else request.method
        async with aiohttp.ClientSession() as http, http.request(method, url, headers=headers) as response:
            kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
            if not is_blob or response.status != 200:
                return web.Response(status=response.status, body=await response.read(), headers=kept)
        target = self.storage.sign(request.raw_path, request.headers.get("Authorization", ""))
        return web.Response(status=307, headers={"Location": target})
