"""A forward proxy on loopback: tunnels (``CONNECT``) and plain requests, perhaps with credentials.

Source: RFC 9110, sections 7.6 and 9.3.6.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from attrs import frozen


@frozen
class ProxyRequest:
    """A request as it reached the proxy."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in small letters."""


class StandInProxy:
    """Sends everything to where it should go, or to *upstream* whatever the host's name.

    Args:
        upstream: ``127.0.0.1:PORT``; so tests can use names that do not exist.
        credentials: ``user:password`` that it wants; empty for none.
        refusal: A status with which it answers everything; 0 for none.
    """

    def __init__(self, upstream: str = "", *, credentials: str = "", refusal: int = 0) -> None:
        self.upstream = upstream
        self.credentials = credentials
        self.refusal = refusal
        self.requests: list[ProxyRequest] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def url(self) -> str:
        """As ``HTTP_PROXY`` has it, with the credentials."""
        return f"http://{self.credentials}@{self.host}" if self.credentials else f"http://{self.host}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request = _parse(head)
        self.requests.append(request)
        if status := self._refuse(request):
            writer.write(f"HTTP/1.1 {status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        host, port = self._find_target(request)
        there, back = await asyncio.open_connection(host, port)
        if request.method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            back.write(_make_plain(head, request).encode("latin-1"))
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            back.close()

    def _refuse(self, request: ProxyRequest) -> int:
        wanted = f"Basic {b64encode(self.credentials.encode()).decode()}" if self.credentials else None
        return self.refusal or (407 if request.headers.get("proxy-authorization") != wanted else 0)

    def _find_target(self, request: ProxyRequest) -> tuple[str, int]:
        target = request.target if "://" in request.target else f"//{request.target}"
        parts = urlsplit(f"//{self.upstream}" if self.upstream else target)
        return parts.hostname or "", parts.port or 80


def _parse(head: str) -> ProxyRequest:
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    return ProxyRequest(method, target, headers)


def _make_plain(head: str, request: ProxyRequest) -> str:
    """Return the head for the server: the path alone, one request a connection, nothing that is the proxy's."""
    _, *lines = head.rstrip("\r\n").split("\r\n")
    kept = [line for line in lines if not line.lower().startswith(("proxy-", "connection:"))]
    parts = urlsplit(request.target)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return "\r\n".join([f"{request.method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
