"""Faults that a server can be told to show, by path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from fnmatch import fnmatchcase

from aiohttp import web
from attrs import define, frozen

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


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
    """Gives the server's answer, cut."""

    keep: int = 10
    """Bytes of the body that get through."""
    announced: bool = True
    """Whether Content-Length still gives the full length: the client can see that something is missing."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Give the first bytes, then close the connection."""
        full = await handler(request)
        if not isinstance(full, web.Response) or not isinstance(full.body, bytes):
            return full
        if not self.announced:
            return web.Response(status=full.status, body=full.body[: self.keep], headers=_kept(full.headers))
        cut = web.StreamResponse(status=full.status, headers=_kept(full.headers))
        cut.content_length = len(full.body)
        await cut.prepare(request)
        await cut.write(full.body[: self.keep])
        return _hang_up(request, cut)


@frozen
class Disconnect:
    """Closes the connection and answers nothing."""

    async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Close the connection."""
        return _hang_up(request, web.Response())


@frozen
class Hang:
    """Answers as the server would, but not before it is released."""

    release: asyncio.Event

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


Fault = Status | EmptyBody | Truncated | Disconnect | Hang | Delay


@define
class _Rule:
    pattern: str
    fault: Fault
    method: str | None
    left: int | None

    def matches(self, request: web.BaseRequest) -> bool:
        if self.left == 0 or self.method not in {None, request.method}:
            return False
        return fnmatchcase(request.raw_path.partition("?")[0], self.pattern)


class Faults:
    """What to show instead of the right answer; the oldest rule that matches is taken."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(self, path: str, fault: Fault, *, method: str | None = None, times: int | None = None) -> None:
        """Show a fault.

        Args:
            path: The path without the query; ``*`` stands for any text.
            fault: What to show.
            method: None for every method.
            times: How often; None for always.
        """
        self._rules.append(_Rule(path, fault, method, times))

    def clear(self) -> None:
        """Show no faults any more."""
        self._rules.clear()

    async def apply(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """Return the fault that is due, else the handler's answer."""
        rule = next((rule for rule in self._rules if rule.matches(request)), None)
        if rule is None:
            return await handler(request)
        if rule.left is not None:
            rule.left -= 1
        return await rule.fault.show(request, handler)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that an answer of another length can keep."""
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}


def _hang_up(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection under the answer; aiohttp takes it as a client that went away."""
    response.force_close()
    if request.transport is not None:
        request.transport.close()
    return response
