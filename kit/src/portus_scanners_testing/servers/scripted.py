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

from .faults import Fault, Handler, check_method
from .loopback import LoopbackServer, RecordedRequest


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
    body: object
    replies: list[Handler]

    def matches(self, request: RecordedRequest) -> bool:
        target = request.target if "?" in self.pattern else request.path
        return self.method in {None, request.method} and fnmatchcase(target, self.pattern) and self._has_body(request)

    def _has_body(self, request: RecordedRequest) -> bool:
        if self.body is None or isinstance(self.body, str):
            return self.body is None or fnmatchcase(request.body.decode(errors="replace"), self.body)
        try:
            return _contains(request.json(), self.body)
        except ValueError:
            return False

    def take(self) -> Handler:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def _contains(value: Any, expected: Any) -> bool:
    """Return whether a JSON value is the expected one; an object may have more members."""
    if isinstance(value, dict) and isinstance(expected, Mapping):
        return all(key in value and _contains(value[key], inner) for key, inner in expected.items())
    return bool(value == expected)


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
        body: object = None,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what a path answers; a second script for the same path, method and body replaces the first.

        Args:
            path: The path; with a ``?`` in it, path and query as in the request line. ``*`` matches any string. Of
                several that match, the last scripted counts.
            replies: One per request, the last one repeatedly: a `Reply`, a fault, an async function of the request, or
                a body (bytes, a string, or a value for JSON). If there are none: an empty body.
            method: The method of the requests; None for any.
            body: The body of the requests: a string in which ``*`` matches any string, or a value of JSON (objects in
                the body may have more members); None for any.
            status: Status of the replies that are bodies.
            content_type: Content type of the replies that are bodies.
            headers: Headers of the replies that are bodies.

        Raises:
            ValueError: The method is not one in upper case: no request would have it.
        """
        check_method(method)

        def reply_of(given: Any) -> Handler:
            if isinstance(given, Fault):
                return Reply(fault=given)
            return given if callable(given) else Reply(given, status, content_type, headers or {})

        script = _Script(path, method, body, [reply_of(given) for given in replies or (b"",)])
        self._scripts = [one for one in self._scripts if (one.pattern, one.method, one.body) != (path, method, body)]
        self._scripts.insert(0, script)

    def redirect(self, path: str, target: str, *, status: int = 307) -> None:
        """Redirect requests for a path to another URL."""
        self.script(path, status=status, headers={"Location": target})

    def asked(self, path: str) -> list[str | None]:
        """Return the ``Authorization`` of each request for a path."""
        return [request.headers.get("Authorization") for request in self.requests if request.path == path]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        asked = await RecordedRequest.of(request)
        script = next((script for script in self._scripts if script.matches(asked)), None)
        return web.Response(status=404) if script is None else await script.take()(request)
