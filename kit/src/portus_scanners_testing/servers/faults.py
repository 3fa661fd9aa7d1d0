"""Faults that a server shows instead of correct answers, by path."""

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
    """Answers with a fixed status.

    Attributes:
        status: The HTTP status.
        body: The body.
        headers: The headers.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer without asking the server."""
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@frozen
class EmptyBody:
    """Answers 200 with an empty body, as some proxies do."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer without asking the server."""
        return web.Response(status=200, body=b"")


@frozen
class Truncated:
    """Sends the server's answer, truncated.

    Attributes:
        keep: Bytes of the body that are sent.
        announced: Whether Content-Length gives the full length, so that a client can see that something is missing.
    """

    keep: int = 10
    announced: bool = True

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Send the first bytes, then close the connection."""
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
    """Closes the connection without an answer."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Close the connection."""
        return _hang_up(request, web.Response())


@frozen
class Hang:
    """Answers as the server would once an event is set.

    Attributes:
        release: The event; that of the default is never set.
    """

    release: asyncio.Event = field(factory=asyncio.Event)

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Wait, then ask the server."""
        await self.release.wait()
        return await handler(request)


@frozen
class Delay:
    """Answers as the server would, but later: for demonstrations; tests use `Hang`.

    Attributes:
        seconds: How much later.
    """

    seconds: float

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Sleep, then ask the server."""
        await asyncio.sleep(self.seconds)
        return await handler(request)


@frozen
class Chunked:
    """Sends the server's answer in small chunks.

    Attributes:
        size: Bytes in a chunk.
    """

    size: int = 1

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Ask the server, and send its answer chunk by chunk."""
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
    """Answers 200 with a huge JSON array of white space.

    Attributes:
        size: Bytes of the array.
        compressed: Whether the array is gzipped, to about a two-hundredth of its size.
    """

    size: int = 100 * 1024 * 1024
    compressed: bool = False

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Send the array without asking the server."""
        headers = {"Content-Type": "application/json", **({"Content-Encoding": "gzip"} if self.compressed else {})}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        pack = zlib.compressobj(1, wbits=_GZIP) if self.compressed else None  # the best takes three times the time
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
    """Answers with the whole request, credentials included, as careless proxies and error pages do.

    Attributes:
        status: The HTTP status of the answer.
    """

    status: int = 500

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer without asking the server."""
        lines = [request.raw_path, *(f"{name}: {value}" for name, value in request.headers.items())]
        body = "\n".join(lines).encode() + b"\n" + await request.read()
        return web.Response(status=self.status, body=body, content_type="text/plain")


@frozen
class Rewritten:
    """Sends the server's answer with another body.

    Attributes:
        rewrite: Returns the body to send for the decompressed one of the server.
    """

    rewrite: Callable[[bytes], bytes]

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Ask the server, and send its answer with the other body."""
        full = await handler(request)
        return web.Response(status=full.status, body=self.rewrite(body_of(full)), headers=_plain(full.headers))


@runtime_checkable
class Fault(Protocol):
    """What a server does instead of answering correctly. The classes here are the frequent ones; write your own."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Answer a request; ``await handler(request)`` is the server's own answer."""
        ...


@define
class FaultRule:
    """A fault, and when it is shown.

    Attributes:
        pattern: The path of requests that get it, with ``*`` and ``?`` for any characters.
        fault: What is shown.
        method: The method of requests that get it; None for any.
        left: How many times it will still be shown; None for always.
        skip: How many requests will still be answered before the first one that gets it.
        shown: How many times it was shown so far.
    """

    pattern: str
    fault: Fault
    method: str | None
    left: int | None
    skip: int
    shown: int = 0

    def is_due(self, request: web.BaseRequest) -> bool:
        """Return whether a request gets this fault, and count the request."""
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
    """The faults of one server; of several rules that are due, the oldest is applied."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []

    def add(
        self, path: str, fault: Fault, *, method: str | None = None, times: int | None = None, skip: int = 0
    ) -> FaultRule:
        """Show a fault.

        Args:
            path: The path without the query; ``*`` matches any string.
            fault: The fault.
            method: The method of the requests; None for any.
            times: How many times; None for always.
            skip: How many matching requests are answered correctly before.

        Raises:
            ValueError: The method is not in upper case: no request would have it.
        """
        check_method(method)
        rule = FaultRule(path, fault, method, times, skip)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Remove all faults."""
        self._rules.clear()

    async def apply(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Return the answer of the fault that is due, or else the handler's."""
        rule = next((rule for rule in self._rules if rule.is_due(request)), None)
        return await (handler(request) if rule is None else rule.show(request, handler))


def check_method(method: str | None) -> None:
    """Raise a ValueError for a method that no request has."""
    if method is not None and method != method.upper():
        msg = f"not a valid method: {method!r}; methods are in upper case"
        raise ValueError(msg)


def body_of(response: web.StreamResponse) -> bytes:
    """Return the decompressed body of an answer that was not sent yet.

    Raises:
        TypeError: The answer is a stream, so that the server has sent it already.
    """
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes | None):
        msg = "only the answer of a handler that returns a web.Response can be changed"
        raise TypeError(msg)
    body = response.body or b""
    return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are still right for a body of another length."""
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are still right for another, uncompressed body."""
    return {name: value for name, value in _kept(headers).items() if name.lower() != "content-encoding"}


def _hang_up(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection under the answer, which aiohttp takes for a client that hung up."""
    response.force_close()
    if request.transport is not None:
        request.transport.close()
    return response
