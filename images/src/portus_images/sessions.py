"""HTTP sessions."""

from __future__ import annotations

import os
import ssl

import aiohttp

CONNECT_TIMEOUT = 5.0
"""Seconds to connect, TLS included."""


_BROKEN: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "has a certificate that can't be verified"),
    (aiohttp.ClientConnectorSSLError, "does not speak TLS as expected"),
    (aiohttp.ClientConnectorDNSError, "can't be found: unknown host"),
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "broke off in the middle of its answer"),
    (TimeoutError, "did not answer in time"),
    (aiohttp.InvalidURL, "has an address that is not a valid URL"),
)


def make_tls(ca_file: str, *, insecure: bool) -> ssl.SSLContext | bool:
    """Return what aiohttp wants as ``ssl``: the system's authorities, a CA file, or no verification.

    Raises:
        OSError: The file can't be read or holds no certificate (`ssl.SSLError` is one).
    """
    if insecure:
        return False
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


def open_session(tls: ssl.SSLContext | bool = True) -> aiohttp.ClientSession:
    """Open a session as this project uses it: no cookies, no total timeout, nothing from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        headers={"User-Agent": "portus-scanners"},
        trust_env=False,
    )


async def read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """Return the decoded body, or None when it is longer than *limit* bytes."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > limit:
            response.close()
            return None
    return bytes(body)


def what_broke(error: BaseException) -> str:
    """Return the end of the sentence "SERVER ..." for an exception of aiohttp: no credentials, no addresses."""
    for kind, words in _BROKEN:
        if isinstance(error, kind):
            return words
    if not isinstance(error, OSError):
        return f"did not answer as HTTP servers do ({type(error).__name__})"
    what = "can't be reached" if isinstance(error, aiohttp.ClientConnectorError) else "broke the connection"
    number = error.errno or 0
    return f"{what}: {os.strerror(number)}" if number > 0 else what  # asyncio's own text has the address instead
