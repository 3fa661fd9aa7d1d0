"""Recorded exchanges, read from JSON files and replayed over a real socket.

One file holds one exchange::

    {"request": {"method": "GET", "url": "http://127.0.0.1:6060/v1/layers/a", "headers": {}, "body": null},
     "response": {"status": 200, "headers": {}, "body": {"Layer": {}}}}

A body is a JSON value or a string; ``body_text``, if given, is the exact text instead. Other members are ignored.
``target`` may replace ``url``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from attrs import evolve, field, frozen

from .loopback import LoopbackServer, RecordedRequest

_KEPT_HEADERS = {"content-type", "content-encoding", "retry-after", "location", "www-authenticate"}


@frozen(kw_only=True)
class Exchange:
    """One request and its answer.

    Attributes:
        name: Name of the file, without ``.json``.
        method: Method of the request.
        target: Path and query of the request.
        status: HTTP status of the answer.
        headers: Headers of the answer, without framing, date and server.
        body: Body of the answer, decompressed.
    """

    name: str
    method: str
    target: str
    status: int
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, path: Path) -> Exchange:
        """Read an exchange from a file.

        Raises:
            ValueError: The file is not a recorded exchange.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            request, response = document["request"], document["response"]
            parts = urlsplit(request.get("url") or request["target"])
            return cls(
                name=path.stem,
                method=request["method"],
                target=parts.path + (f"?{parts.query}" if parts.query else ""),
                status=response["status"],
                headers={name: value for name, value in response["headers"].items() if name.lower() in _KEPT_HEADERS},
                body=_body_of(response),
            )
        except (KeyError, TypeError, AttributeError) as error:
            msg = f"{path.name} is not a recorded exchange: {error!r}"
            raise ValueError(msg) from error


def read_exchanges(folder: Path) -> tuple[Exchange, ...]:
    """Return the exchanges of a folder's ``*.json`` files, by name."""
    return tuple(Exchange.read(path) for path in sorted(folder.glob("*.json")))


class ReplayServer(LoopbackServer):
    """Replays recorded answers: the first one whose method and target are those of the request.

    A request that was not recorded is answered with 501, and named in `unknown`.

    Args:
        exchanges: The recorded exchanges.
        matches: Returns whether an exchange answers a request; by default, if method and target are equal.
        adapt: Returns the exchange to answer with, if names differ from the recorded ones.
    """

    def __init__(
        self,
        exchanges: Iterable[Exchange],
        *,
        matches: Callable[[Exchange, RecordedRequest], bool] | None = None,
        adapt: Callable[[Exchange, RecordedRequest], Exchange] | None = None,
    ) -> None:
        super().__init__()
        self.unknown: list[str] = []
        """``METHOD TARGET`` of each request that was not recorded."""
        self._exchanges = tuple(exchanges)
        self._matches = matches or _same_request
        self._adapt = adapt or _as_recorded

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        asked = await RecordedRequest.of(request)
        found = next((one for one in self._exchanges if self._matches(one, asked)), None)
        if found is None:
            self.unknown.append(f"{asked.method} {asked.target}")
            return web.Response(status=501, text=f"nothing was recorded for {asked.method} {asked.target}\n")
        adapted = self._adapt(found, asked)
        packed = adapted.headers.get("Content-Encoding") == "gzip"
        body = gzip.compress(adapted.body, mtime=0) if packed else adapted.body
        return web.Response(status=adapted.status, headers=adapted.headers, body=body)


def with_json(exchange: Exchange, change: Callable[[Any], Any]) -> Exchange:
    """Return the exchange with ``change(value)`` for its JSON body, as `ReplayServer`'s *adapt* may need it."""
    return evolve(exchange, body=json.dumps(change(json.loads(exchange.body))).encode())


def _same_request(exchange: Exchange, request: RecordedRequest) -> bool:
    return (exchange.method, exchange.target) == (request.method, request.target)


def _as_recorded(exchange: Exchange, _request: RecordedRequest) -> Exchange:
    return exchange


def _body_of(response: Mapping[str, Any]) -> bytes:
    text = response.get("body_text")
    if text is None:
        body = response.get("body")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return str(text).encode()
