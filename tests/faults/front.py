"""A raw TCP front before a server: the faults of the matrix are bytes on the wire, made by no HTTP library."""

from __future__ import annotations

import asyncio
import re
import selectors
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from attrs import evolve, frozen

_RESET = struct.pack("ii", 1, 0)
_PATIENCE = 0.003
_STUCK = 10.0
_TLS = b"\x16"
"""How a handshake begins."""


@frozen
class Asked:
    """A request as it reached the front."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in small letters."""
    raw: bytes
    body: bytes


@frozen
class Answered:
    """What the server behind has answered, its transfer coding taken off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    told: int | None = None
    """The length that stands in the answer to a HEAD."""

    def render(self, *, length: int | None = None, extra: str = "") -> bytes:
        """Return the head, with another length than the true one if asked to, and the body."""
        return self.head(length=length, extra=extra) + (b"" if self.told is not None else self.body)

    def head(self, *, length: int | None = None, extra: str = "", framed: bool = True) -> bytes:
        """Return the head alone; without a length when the body is not *framed* by one."""
        known = len(self.body) if self.told is None else self.told
        size = [f"Content-Length: {known if length is None else length}"] if framed else []
        lines = [f"HTTP/1.1 {self.status} X", *size, *(f"{key}: {value}" for key, value in self.headers.items())]
        return ("\r\n".join([*lines, *filter(None, [extra])]) + "\r\n\r\n").encode()

    def with_body(self, body: bytes, **headers: str) -> Answered:
        """Return the same answer with another body."""
        return evolve(self, body=body, headers={**self.headers, **headers})


Show = Callable[[asyncio.StreamWriter, Answered, Asked], Awaitable[bool]]
"""What is sent instead of an answer; returns whether the connection stays."""


class Front:
    """Stands before a server, and shows a fault to the requests that *due* picks.

    Args:
        upstream: ``127.0.0.1:PORT`` of the server.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        """Those that serve a connection."""
        self.asked: list[Asked] = []
        self.show: Show | None = None
        self.due: Callable[[Asked], bool] = lambda _: False
        self.shown = 0

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def url(self) -> str:
        """The same with its scheme."""
        return f"http://{self.host}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 20)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await _read_request(reader)
        self.asked.append(asked)
        is_due = self.due(asked)
        answered = await self._forward(asked)
        if is_due and self.show is not None:
            self.shown += 1
            return await self.show(writer, answered, asked)
        writer.write(answered.render())
        await writer.drain()
        return True

    async def _forward(self, asked: Asked) -> Answered:
        host, port = self._upstream.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(asked.raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + asked.body)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        finally:
            writer.close()
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        chunked = headers.pop("Transfer-Encoding", "") == "chunked"
        size = headers.pop("Content-Length", None)
        headers.pop("Connection", None)
        told = int(size) if asked.method == "HEAD" and size else None
        return Answered(int(first.split()[1]), headers, _join(body) if chunked else body, told)


async def _read_request(reader: asyncio.StreamReader) -> Asked:
    begin = await reader.readexactly(1)
    if begin == _TLS:
        raise ConnectionAbortedError  # as servers without TLS do: a client that tries it need not wait
    raw = begin + await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, unquote(urlsplit(target).path), headers, raw, body)


def _join(chunks: bytes) -> bytes:
    """Return a chunked body without its coding."""
    found = b""
    while match := re.match(rb"([0-9a-fA-F]+)\r\n", chunks):
        size = int(match[1], 16)
        found += chunks[match.end() : match.end() + size]
        chunks = chunks[match.end() + size + 2 :]
    return found


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection with a RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


class _PatientSelector(selectors.DefaultSelector):
    """Moves the clock to the next timer when nothing has come for some milliseconds, and no thread works."""

    now = 0.0
    working = 0
    """Calls that the loop's threads have not ended yet."""
    turns = 0
    on_turn: Callable[[int], object] = staticmethod(lambda _: None)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        self.on_turn(self.turns)
        busy = self._is_busy()  # asked first: a thread that ends meanwhile has told the loop
        events = super().select(_STUCK if timeout is None else min(timeout, _PATIENCE))
        assert events or timeout is not None, "every task waits, and nothing can wake one"
        if timeout is not None and timeout > 0 and not events and not busy:
            self.now += timeout
        return events

    def _is_busy(self) -> bool:
        return bool(self.working) or any(one.name.startswith("loading of") for one in threading.enumerate())


class PatientTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps: servers that hang cost nothing. Sockets of this process alone, no programs."""

    def __init__(self) -> None:
        self._clock = _PatientSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._clock.now

    @property
    def turns(self) -> int:
        """How many times the loop has looked for events."""
        return self._clock.turns

    def watch_turns(self, look: Callable[[int], object]) -> None:
        """Have a function called with the number of each turn, outside every task."""
        self._clock.on_turn = look

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run a function in a thread; the clock stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._clock.working += 1
        future.add_done_callback(self._ended)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads without a limit: what they take of real time has no measure on this clock."""
        await super().shutdown_default_executor()

    def _ended(self, _future: asyncio.Future[Any]) -> None:
        self._clock.working -= 1
