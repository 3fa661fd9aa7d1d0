"""The base class of all servers: a loopback port, recorded requests, faults; and a thread to run servers in."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import StreamReader, web
from attrs import define, field, frozen

from .faults import Faults

_ANY_PORT = 0
_TURNS = 3
"""Turns of the loop after which a connection that is aborted is closed."""
_BUFFER = 64 * 1024
_GRACE = 0.1
"""Seconds that a request has to end once the server is stopped."""
_PATIENCE = 30.0
"""Seconds until a server thread must have started, or ended."""


@frozen(kw_only=True)
class RecordedRequest:
    """A request as it reached a server.

    Attributes:
        method: The method: ``GET``.
        target: Path and query as in the request line, nothing decoded.
        headers: By name, in any case; `Authorization` is included.
        body: The whole body.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    async def of(cls, request: web.BaseRequest) -> Self:
        """Return what there is of a request."""
        body, headers = await request.read(), request.headers.copy()
        return cls(method=request.method, target=request.raw_path, headers=headers, body=body)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The part of the target after the question mark."""
        return self.target.partition("?")[2]

    def json(self) -> Any:
        """Return the body's JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)


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
        self._running: _Running | None = None

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
        listener = socket.create_server(("127.0.0.1", _ANY_PORT))
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        self._running = _Running(listener, web.Server(self._take, access_log=None, request_factory=_make_request))
        self._running.start(self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection; new connections are refused from then on."""
        if self._running is not None:
            running, self._running = self._running, None
            await running.stop()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(await RecordedRequest.of(request))
        return await self.faults.apply(request, self.answer)


@define
class _Running:
    """A port that is open, and every connection that was accepted there.

    asyncio's own servers never close a connection that is accepted just before they are closed: we accept ourselves.
    """

    listener: socket.socket
    server: web.Server
    tasks: set[asyncio.Task[None]] = field(factory=set)
    transports: list[asyncio.Transport] = field(factory=list)

    def start(self, tls: ssl.SSLContext | None) -> None:
        """Accept connections from now on."""
        asyncio.get_running_loop().add_reader(self.listener, self._accept, tls)

    async def stop(self) -> None:
        """Close the port and the connections, and wait until they are closed."""
        asyncio.get_running_loop().remove_reader(self.listener)
        self.listener.close()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=_GRACE)
        for task in self.tasks:  # amid a handshake
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.server.shutdown(_GRACE)
        for transport in self.transports:
            transport.abort()
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def _accept(self, tls: ssl.SSLContext | None) -> None:
        with suppress(OSError):  # the client has gone, or there are too many open files
            connection, _ = self.listener.accept()
            task = asyncio.create_task(self._connect(connection, tls))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _connect(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop, times = asyncio.get_running_loop(), {"ssl_shutdown_timeout": _GRACE} if tls else {}
        connection.setblocking(False)
        with suppress(OSError):  # a handshake that fails is the client's error
            transport, _ = await loop.connect_accepted_socket(self.server, connection, ssl=tls, **times)
            self.transports.append(transport)


class _Request(web.BaseRequest):
    """A request whose body may have any length, and can be read as a stream although it was recorded before."""

    @property
    def content(self) -> StreamReader:
        """The body as a stream, from its begin."""
        stream = StreamReader(self.protocol, _BUFFER, loop=asyncio.get_running_loop())
        stream.feed_data(self._read_bytes or b"")
        stream.feed_eof()
        return stream


def _make_request(message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]) -> _Request:
    return _Request(message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=0)


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
