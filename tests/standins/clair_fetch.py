"""How Clair v2.0.9 gets a layer: its own GET, with the headers that it was given."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from attrs import field, frozen

_SUCCESS = range(200, 300)
_MOST_REDIRECTS = 10


class FetchError(Exception):
    """Any failure to get a layer: Clair does not say which."""


@frozen
class Download:
    """What came of a layer."""

    data: bytes = field(repr=False)
    complete: bool
    """False when the connection broke before the end."""


def open_session() -> aiohttp.ClientSession:
    """Open a session that identifies itself as Go's client, and has no time limit."""
    return aiohttp.ClientSession(
        headers={"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"},
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def fetch(session: aiohttp.ClientSession, path: str, headers: Mapping[str, str]) -> Download:
    """Get a layer; redirects are followed, and Authorization is dropped when the host changes.

    Raises:
        FetchError: No answer, or one that is not 2xx.
    """
    if not path.startswith(("http://", "https://")):
        raise FetchError(path)
    try:
        async with session.get(path, headers=headers, max_redirects=_MOST_REDIRECTS) as response:
            if response.status not in _SUCCESS:
                raise FetchError(str(response.status))
            return await _read(response)
    except (aiohttp.ClientError, ValueError, OSError) as error:
        raise FetchError(str(error)) from error


async def _read(response: aiohttp.ClientResponse) -> Download:
    data = bytearray()
    try:
        async for chunk in response.content.iter_any():
            data += chunk
    except (aiohttp.ClientPayloadError, OSError):
        return Download(bytes(data), complete=False)
    return Download(bytes(data), complete=True)
