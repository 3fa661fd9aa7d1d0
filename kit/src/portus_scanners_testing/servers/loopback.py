"""The base class of all servers: a loopback port, recorded requests, faults; and a thread to run servers in."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import Self

from aiohttp import web
from attrs import field, frozen

from .faults import Faults

_ANY_PORT = 0
_TURNS = 3
"""Turns of the loop after which an accepted connection is known to the server."""
_PATIENCE = 30.0
"""Seconds until a server thread must have started, or ended."""


@frozen(kw_only=True)
class RecordedRequest:
    """A request as it reached a server.

    Attributes:
        method: The method: ``GET``.
        target: Path and query as in the request line, nothing decoded.
        headers: By name, in any case; `Authorization` is included.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The part of the target after the question mark."""
        return self.target.partition("?")[2]


class LoopbackServer:
    """A server on 127.0.0.1; a subclass says what it answers.

    Args:
        tls: Makes it an https server.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[RecordedRequest] = []
        self.faults = Faults()
        self._tls = tls
        self._port = 0
        self._running: tuple[web.ServerRunner, socket.socket] | None = None

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``, as in an image reference."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Scheme and host, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer to one request."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        runner = web.ServerRunner(web.Server(self._take, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", _ANY_PORT))
        self._port = listener.getsockname()[1]
        self._running = runner, listener
        await web.SockSite(runner, listener, ssl_context=self._tls).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection; new connections are refused from then on."""
        if self._running is not None:
            (runner, listener), self._running = self._running, None
            asyncio.get_running_loop().remove_reader(listener)
            for _ in range(_TURNS):  # asyncio never closes a connection that it has accepted just before its server
                await asyncio.sleep(0)
            await runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(
            RecordedRequest(method=request.method, target=request.raw_path, headers=request.headers.copy())
        )
        return await self.faults.apply(request, self.answer)


@contextmanager
def serving(*servers: LoopbackServer) -> Iterator[None]:
    """Run servers in another thread, with a loop of their own, until the block ends.

    Args:
        servers: Servers that were not started yet; their ports are known inside the block.
    """
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    faults: list[BaseException] = []

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            try:
                for server in servers:
                    await stack.enter_async_context(server)
            except OSError as error:
                faults.append(error)
                return
            finally:
                ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="loopback servers", daemon=True)
    thread.start()
    try:
        if not ready.wait(_PATIENCE) or faults:
            msg = "the loopback servers could not be started"
            raise RuntimeError(msg) from (faults[0] if faults else None)
        yield
    finally:
        if not faults:
            loop.call_soon_threadsafe(stop.set)
        thread.join(_PATIENCE)
