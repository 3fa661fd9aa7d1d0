"""Faults that a server can be told to show, by path."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from aiohttp import web
from attrs import define, field, frozen

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


@frozen
class Status:
    """Answers with this status instead."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer without asking the server."""
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@frozen
class EmptyBody:
    """Answers 200 with nothing in it, as some proxies do."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer without asking the server."""
        return web.Response(status=200, body=b"")


@frozen
class Truncated:
    """Gives the server's answer, cut.

    Attributes:
        keep: Bytes of the body that get through.
        announced: Whether Content-Length still gives the full length: the client can see that something is missing.
    """

    keep: int = 10
    announced: bool = True

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Give the first bytes, then close the connection."""
        full = await handler(request)
        body, headers = body_of(full), _plain(full.headers)
        if not self.announced:
            return web.Response(status=full.status, body=body[: self.keep], headers=headers)
        cut = web.StreamResponse(status=full.status, headers=headers)
        cut.content_length = len(body)
        await cut.prepare(request)
        await cut.write(body[: self.keep])
        return _hang_up(request, cut)


@frozen
class Disconnect:
    """Closes the connection and answers nothing."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Close the connection."""
        return _hang_up(request, web.Response())


@frozen
class Hang:
    """Answers as the server would, but not before it is released; never, when nobody has the event."""

    release: asyncio.Event = field(factory=asyncio.Event)

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Wait, then ask the server."""
        await self.release.wait()
        return await handler(request)


@frozen
class Delay:
    """Answers as the server would, later: for demonstrations; tests use `Hang`."""

    seconds: float

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Sleep, then ask the server."""
        await asyncio.sleep(self.seconds)
        return await handler(request)


@frozen
class Chunked:
    """Gives the server's answer in small chunks.

    Attributes:
        size: Bytes of a chunk.
    """

    size: int = 1

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Ask the server, and send what it says piece by piece."""
        full = await handler(request)
        body = body_of(full)
        response = web.StreamResponse(status=full.status, headers=_plain(full.headers))
        response.enable_chunked_encoding()
        await response.prepare(request)
        for start in range(0, len(body), self.size):
            await response.write(body[start : start + self.size])
        return response


@frozen
class Endless:
    """Answers 200 with a JSON array that goes on and on: white space, until the client hangs up.

    Attributes:
        size: Bytes; the array is closed after that many.
        compressed: Whether they are sent gzipped: about a thousandth of the size.
    """

    size: int = 100 * 1024 * 1024
    compressed: bool = False

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Send it without asking the server."""
        headers = {"Content-Type": "application/json", **({"Content-Encoding": "gzip"} if self.compressed else {})}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        pack = zlib.compressobj(wbits=_GZIP) if self.compressed else None
        for piece in self._pieces():
            await response.write(pack.compress(piece) if pack else piece)
        if pack:
            await response.write(pack.flush())
        return response

    def _pieces(self) -> Iterator[bytes]:
        yield b"["
        blank = b" " * _PIECE
        for _ in range(self.size // _PIECE):
            yield blank
        yield b"]"


@frozen
class Echo:
    """Answers with everything that it was sent, credentials included, as careless proxies and error pages do."""

    status: int = 500

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer without asking the server."""
        lines = [request.raw_path, *(f"{name}: {value}" for name, value in request.headers.items())]
        body = "\n".join(lines).encode() + b"\n" + await request.read()
        return web.Response(status=self.status, body=body, content_type="text/plain")


@frozen
class Rewritten:
    """Gives the server's answer with another body.

    Attributes:
        rewrite: From the body, decompressed, to the one that is sent.
    """

    rewrite: Callable[[bytes], bytes]

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Ask the server, and change what it says."""
        full = await handler(request)
        return web.Response(status=full.status, body=self.rewrite(body_of(full)), headers=_plain(full.headers))


@runtime_checkable
class Fault(Protocol):
    """Something else than the right answer. The classes here are those that are needed often; write your own."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer a request; ``await handler(request)`` is what the server would answer."""
        ...


@define
class FaultRule:
    """A fault and when it is shown.

    Attributes:
        shown: How often it was shown.
    """

    pattern: str
    fault: Fault
    method: str | None
    left: int | None
    skip: int
    shown: int = 0

    def is_due(self, request: web.BaseRequest) -> bool:
        """Count a request, and say whether it gets this fault."""
        if self.left == 0 or self.method not in {None, request.method}:
            return False
        if not fnmatchcase(request.raw_path.partition("?")[0], self.pattern):
            return False
        self.skip -= 1
        return self.skip < 0

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Show the fault once."""
        self.shown += 1
        if self.left is not None:
            self.left -= 1
        return await self.fault.show(request, handler)


class Faults:
    """What to show instead of the right answer; the oldest rule that is due is taken."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []

    def add(
        self, path: str, fault: Fault, *, method: str | None = None, times: int | None = None, skip: int = 0
    ) -> FaultRule:
        """Show a fault.

        Args:
            path: The path without the query; ``*`` stands for any text.
            fault: What to show.
            method: None for every method.
            times: How often; None for always.
            skip: So many matching requests are answered rightly before.
        """
        rule = FaultRule(path, fault, method, times, skip)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Show no faults any more."""
        self._rules.clear()

    async def apply(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Return the fault that is due, else the handler's answer."""
        rule = next((rule for rule in self._rules if rule.is_due(request)), None)
        return await (handler(request) if rule is None else rule.show(request, handler))


def body_of(response: web.StreamResponse) -> bytes:
    """Return the body of an answer that is not sent yet, decompressed.

    Raises:
        TypeError: It was streamed: the server has sent it already.
    """
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes | None):
        msg = "only the answer of a handler that returns a web.Response can be changed"
        raise TypeError(msg)
    body = response.body or b""
    return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that an answer of another length can keep."""
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that an answer with another, uncompressed body can keep."""
    return {name: value for name, value in _kept(headers).items() if name.lower() != "content-encoding"}


def _hang_up(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection under the answer; aiohttp takes it as a client that went away."""
    response.force_close()
    if request.transport is not None:
        request.transport.close()
    return response
