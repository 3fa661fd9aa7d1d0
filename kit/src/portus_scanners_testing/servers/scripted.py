"""A backend whose answers a test writes: a sequence for each path, one answer per request.

async with ScriptedServer() as server:
server.script("/scan", {"state": "working"}, {"state": "done", "found": []})
server.script("/scan?image=*other*", Reply("<html>", content_type="text/html"))
server.script("/flaky", Status(503), Disconnect(), Reply({"found": []}, fault=Truncated(5)), {"found": []})
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web
from attrs import define, field, frozen

from .faults import Fault, Handler
from .loopback import LoopbackServer


def content_of(value: object) -> bytes:
    """Return bytes unchanged, a string in UTF-8, and any other value as JSON."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@frozen
class Reply:
    """One answer.

    Attributes:
        body: Bytes; made of bytes, a string, or a value that is sent as JSON.
        status: The HTTP status.
        content_type: The header ``Content-Type``.
        headers: Further headers.
        fault: What happens to the answer on its way: `Truncated`, `Chunked`, `Delay`...
    """

    body: bytes = field(default=b"", converter=content_of, repr=False)
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict)
    fault: Fault | None = field(default=None, kw_only=True)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        return await (self.fault.show(request, self._answer) if self.fault else self._answer(request))

    async def _answer(self, _request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Type": self.content_type, **self.headers}
        return web.Response(status=self.status, body=self.body, headers=headers)


@define
class _Script:
    pattern: str
    method: str | None
    replies: list[Handler]

    def matches(self, request: web.BaseRequest) -> bool:
        target = request.raw_path if "?" in self.pattern else request.raw_path.partition("?")[0]
        return self.method in {None, request.method} and fnmatchcase(target, self.pattern)

    def take(self) -> Handler:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class ScriptedServer(LoopbackServer):
    """Answers as scripted, and anything else with 404 and no body.

    Args:
        tls: Makes it an https server.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self._scripts: list[_Script] = []

    def script(
        self,
        path: str,
        *replies: Reply | Fault | Handler | object,
        method: str | None = None,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what a path answers; a second script for the same path replaces the first.

        Args:
            path: The path; with a ``?`` in it, path and query as in the request line. ``*`` matches any string. Of
                several that match, the last scripted counts.
            replies: One per request, the last one repeatedly: a `Reply`, a fault, an async function of the request, or
                a body (bytes, a string, or a value for JSON). If there are none: an empty body.
            method: The method of the requests; None for any.
            status: Status of the replies that are bodies.
            content_type: Content type of the replies that are bodies.
            headers: Headers of the replies that are bodies.
        """

        def reply_of(given: Any) -> Handler:
            if isinstance(given, Fault):
                return Reply(fault=given)
            return given if callable(given) else Reply(given, status, content_type, headers or {})

        self._scripts = [one for one in self._scripts if (one.pattern, one.method) != (path, method)]
        self._scripts.insert(0, _Script(path, method, [reply_of(given) for given in replies or (b"",)]))

    def redirect(self, path: str, target: str, *, status: int = 307) -> None:
        """Redirect requests for a path to another URL."""
        self.script(path, status=status, headers={"Location": target})

    def asked(self, path: str) -> list[str | None]:
        """Return the ``Authorization`` of each request for a path."""
        return [request.headers.get("Authorization") for request in self.requests if request.path == path]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        script = next((script for script in self._scripts if script.matches(request)), None)
        return web.Response(status=404) if script is None else await script.take()(request)
