"""How Clair v2.0.9 routes requests, reads JSON and frames answers: Go's ways."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from attrs import frozen

from .go_http import go_json, send_body

MAX_BODY = 1024 * 1024
"""Bytes of a request's body that are read; the rest is cut off."""
_JSON_HEADERS = {"Content-Type": "application/json;charset=utf-8", "Server": "clair"}
_ROUTES = (
    ("layers", re.compile(r"/layers"), ("POST",)),
    ("layer", re.compile(r"/layers/(?P<name>[^/]+)"), ("GET", "DELETE")),
    ("namespaces", re.compile(r"/namespaces"), ("GET",)),
    ("vulnerabilities", re.compile(r"/namespaces/(?P<name>[^/]+)/vulnerabilities"), ("GET", "POST")),
)


class ApiError(Exception):
    """An error that Clair answers with a message in JSON."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


@frozen
class Route:
    """Where a request goes: to a handler (status 0), a redirect, or an error in plain text."""

    handler: str = ""
    name: str = ""
    status: int = 0
    location: str = ""


def find_route(method: str, target: str) -> Route:
    """Return where a request goes; redirects lose the ``/v1``, as Clair's do."""
    raw_path, question_mark, query = target.partition("?")
    if not raw_path.startswith("/v1"):
        return Route(status=404)
    path = unquote(raw_path).removeprefix("/v1")
    found = _match(path)
    if found is not None:
        handler, name, methods = found
        return Route(handler, name) if method in methods else Route(status=405)
    for other in (path.removesuffix("/"), re.sub("/+", "/", path)):
        found = _match(other)
        if found is not None and method in found[2]:
            return Route(status=301 if method == "GET" else 307, location=other + question_mark + query)
    return Route(status=404)


def _match(path: str) -> tuple[str, str, tuple[str, ...]] | None:
    for handler, pattern, methods in _ROUTES:
        match = pattern.fullmatch(path)
        if match is not None:
            return handler, match.groupdict().get("name", ""), methods
    return None


def plain_answer(route: Route) -> web.Response:
    """Return the answer to a request that has no handler."""
    if route.location:
        return web.Response(status=route.status, headers={"Location": route.location})
    text = "404 page not found\n" if route.status == 404 else "Method Not Allowed\n"
    return web.Response(status=route.status, text=text)


async def read_json(request: web.BaseRequest) -> Any:
    """Return the JSON value that the body starts with; what follows it is ignored.

    Raises:
        ApiError: 400 with Go's words for what is wrong.
    """
    text = (await request.read())[:MAX_BODY].decode(errors="replace").lstrip()
    if not text:
        raise ApiError(400, "EOF")
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise ApiError(400, _go_message(error)) from error
    return value


def _go_message(error: json.JSONDecodeError) -> str:
    is_cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    if is_cut:
        return "unexpected EOF"
    return f"invalid character {error.doc[error.pos]!r} looking for beginning of value"


async def send_json(request: web.BaseRequest, status: int, document: object) -> web.StreamResponse:
    """Answer with JSON: gzipped when the letters ``gzip`` stand in Accept-Encoding, in one chunk when it is long."""
    body, headers = go_json(document) + b"\n", dict(_JSON_HEADERS)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return await send_body(request, status, body, headers)
