"""A small HTTP server that gives the layers of local images to backends which pull, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from urllib.parse import unquote

from aiohttp import web

from ..blobs import BlobAccess
from ..errors import LocalImageError
from ..settings import ServeAddress
from .file_slice import FileSlice, why
from .open_store import OpenStore

_LOGGER = logging.getLogger("portus_images.local")
_UNHEARD = logging.Logger("portus_images.local.http", logging.CRITICAL + 1)
"""What aiohttp says of a request that it does not understand quotes the path, which is the secret."""
_SHUTDOWN = 1.0
"""Seconds that a transfer has to end when the server is closed."""


class BlobServer:
    """Serves verified blobs read-only, each under an address that can't be guessed. It listens once there is one.

    Args:
        address: Where to listen.
    """

    def __init__(self, address: ServeAddress) -> None:
        self._address = address
        self._base = ""
        self._runner: web.ServerRunner | None = None
        self._lock = asyncio.Lock()
        self._served: dict[str, OpenStore] = {}
        self._transfers: dict[asyncio.Task[object], tuple[OpenStore, web.BaseRequest]] = {}

    async def publish(self, store: OpenStore, digest: str) -> BlobAccess:
        """Serve a blob from now on; return its address.

        Raises:
            LocalImageError: It can't listen at its address.
        """
        async with self._lock:
            if self._runner is None:
                await self._listen()
        self._served[store.secret] = store
        return BlobAccess(url=f"{self._base}/{store.secret}/{digest}")

    async def withdraw(self, store: OpenStore) -> None:
        """Stop serving the blobs of a folder or archive; transfers that are under way are broken off."""
        self._served.pop(store.secret, None)
        tasks = {task: request for task, (held, request) in self._transfers.items() if held is store}
        for request in tasks.values():
            _break_off(request)
        if tasks:
            await asyncio.wait(tasks)

    async def aclose(self) -> None:
        """Close the port and every connection."""
        self._served.clear()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _listen(self) -> None:
        runner = web.ServerRunner(
            web.Server(self._answer, access_log=None, logger=_UNHEARD), shutdown_timeout=_SHUTDOWN
        )
        await runner.setup()
        site = web.TCPSite(runner, self._address.host, self._address.port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            place = self._address.url(self._address.port).removeprefix("http://").removesuffix(":0")
            message = f"the layers can't be served at {place}: {why(error)}; serve them at another address of this host"
            raise LocalImageError(message) from error
        self._base = self._address.url(runner.addresses[0][1])
        self._runner = runner

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        secret, _, digest = unquote(request.raw_path).removeprefix("/").partition("/")
        store = self._served.get(secret)
        if store is None or not store.has_verified(digest):
            return web.Response(status=404)
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return await self._transfer(request, store, digest)

    async def _transfer(self, request: web.BaseRequest, store: OpenStore, digest: str) -> web.StreamResponse:
        """Answer with a blob; its file is closed only when this has ended."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a coroutine runs in a task)
        self._transfers[task] = store, request
        try:
            with ExitStack() as stack:
                content = await asyncio.to_thread(stack.enter_context, store.open(digest))
                return await _send(request, content, digest)
        except LocalImageError as error:
            _LOGGER.warning("%s", error)
            return web.Response(status=500)
        finally:
            del self._transfers[task]


async def _send(request: web.BaseRequest, content: FileSlice, digest: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest})
    response.content_length = content.size
    await response.prepare(request)
    position = 0
    while request.method == "GET" and position < content.size:
        piece = await _read(content, position)
        if not piece:
            _break_off(request)
            break
        await response.write(piece)
        position += len(piece)
    return response


async def _read(content: FileSlice, position: int) -> bytes:
    """Return the next piece; empty where the file has become shorter, or can't be read."""
    try:
        return await asyncio.to_thread(content.read, position)
    except OSError as error:
        _LOGGER.warning("a layer can't be read to its end: %s", why(error))
        return b""


def _break_off(request: web.BaseRequest) -> None:
    """Close the connection at once: what has come so far must not look like all of it."""
    if request.transport is not None:
        request.transport.abort()
