"""A server that answers each path as a test says, for what no well-behaved registry does."""

from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from standins.serving import LoopbackServer

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class ScriptedServer(LoopbackServer):
    """Answers what was scripted for a path; anything else is 404 without a body."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self._handlers: dict[str, Handler] = {}

    def script(
        self,
        path: str,
        body: bytes | dict[str, Any] = b"",
        *,
        status: int = 200,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what a path answers."""
        data = (
            body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        fields = {"Content-Type": content_type, **(headers or {})}

        async def answer(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=status, body=data, headers=fields)

        self.handle(path, answer)

    def redirect(self, path: str, target: str, *, status: int = 307) -> None:
        """Send whoever asks for a path elsewhere."""
        self.script(path, status=status, headers={"Location": target})

    def handle(self, path: str, handler: Handler) -> None:
        """Let a function answer a path."""
        self._handlers[path] = handler

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        handler = self._handlers.get(request.raw_path.partition("?")[0])
        return web.Response(status=404) if handler is None else await handler(request)

    def asked(self, path: str) -> list[str | None]:
        """Return the ``Authorization`` of each request for a path."""
        return [request.headers.get("Authorization") for request in self.requests if request.path == path]
