"""What servers written in Go have in common: how they write JSON and frame bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

_CHUNKED_ABOVE = 2048
_REASONS = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}
"""Go's words where those of Python depend on its version."""
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def go_json(document: object) -> bytes:
    """Return JSON as Go writes it: no spaces, HTML's characters escaped, other text as raw UTF-8."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPES).encode()


async def send_body(
    request: web.BaseRequest, status: int, body: bytes, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with a body: its length in the headers when it is small, else in one chunk."""
    if len(body) <= _CHUNKED_ABOVE:
        return web.Response(status=status, reason=_REASONS.get(status), body=body, headers=headers)
    response = web.StreamResponse(status=status, reason=_REASONS.get(status), headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(body)
    return response
