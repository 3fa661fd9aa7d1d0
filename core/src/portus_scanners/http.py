"""Talking to a backend over HTTP: sessions, bounded bodies, errors of the right kind."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import aiohttp
from attrs import field, frozen
from yarl import URL

from .errors import InvalidReportError, ScannerUnavailableError
from .scanner import HttpScannerSettings, ScannerContext
from .secret import Secret
from .text import one_line
from .wire_secrets import find_secrets, mask, reveal

__all__ = ["HttpAnswer", "HttpBackend"]

ResultT = TypeVar("ResultT")

CONNECT_TIMEOUT = 5.0
"""Seconds to connect, TLS included."""
DEFAULT_MAX_BODY = 64 * 1024 * 1024
"""Bytes of a decoded body that are read at most."""
_MOST_LOOKED_AT = 4096
_LARGE_BODY = 1024 * 1024
_TOO_MANY_REQUESTS = 429
_SERVER_FAULTS = range(500, 600)
_BROKEN: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "has a certificate that can't be verified"),
    (aiohttp.ClientConnectorSSLError, "does not speak TLS as expected"),
    (aiohttp.ClientConnectorDNSError, "can't be found: unknown host"),
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "broke off in the middle of its answer"),
    (TimeoutError, "did not answer in time"),
    (aiohttp.InvalidURL, "has an address that is no URL"),
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


def session_for(settings: object) -> aiohttp.ClientSession:
    """Open the session of a scanner with these settings."""
    if isinstance(settings, HttpScannerSettings):
        return open_session(make_tls(settings.ca_file, insecure=settings.insecure))
    return open_session()


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


@frozen(kw_only=True)
class HttpAnswer:
    """One answer of a backend, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes = field(repr=False)
    """Decompressed."""
    secrets: tuple[Secret, ...] = field(default=(), repr=False)
    """What is masked in `excerpt`."""

    @property
    def unavailable(self) -> bool:
        """Whether the status says that the server is out of order or overloaded: 5xx or 429."""
        return self.status == _TOO_MANY_REQUESTS or self.status in _SERVER_FAULTS

    @property
    def excerpt(self) -> str:
        """The first 200 characters of the body in one line, secrets that were sent masked: for messages."""
        return one_line(mask(self.body[:_MOST_LOOKED_AT].decode(errors="replace"), self.secrets))

    def json(self) -> Any:
        """Return the body's JSON value, whatever the content type says.

        Raises:
            InvalidReportError: It is not JSON.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError):
                error.doc = ""  # the whole body, with secrets that it may quote
            msg = f"HTTP {self.status}, and the body is not JSON: {self.excerpt or 'it is empty'}"
            raise InvalidReportError(msg) from error

    async def parse(self, read: Callable[[HttpAnswer], ResultT]) -> ResultT:
        """Return ``read(answer)``: of a body over 1 MiB in a thread, so that the event loop goes on.

        Args:
            read: A pure function; what it raises is raised here.
        """
        if len(self.body) < _LARGE_BODY:
            return read(self)
        return await asyncio.to_thread(read, self)


class HttpBackend:
    """A backend's HTTP API, as a scanner uses it: `ScannerUnavailableError` when nobody answers, bounded bodies.

    Redirects are not followed. A status is not judged: that is the scanner's part. Every secret that this object has
    sent is masked in the excerpts of all its later answers: make one for each scan.

    Args:
        context: The scanner's context; its session is used.
        server: Base URL without a slash at the end.
        headers: Sent with every request. A `Secret` is revealed on the wire only.
        max_body: Bytes of a decoded body that are accepted.
    """

    def __init__(
        self,
        context: ScannerContext,
        server: str,
        *,
        headers: Mapping[str, str | Secret] = {},
        max_body: int = DEFAULT_MAX_BODY,
    ) -> None:
        self._context = context
        self._server = server
        self._headers = headers
        self._secrets: dict[Secret, None] = {}
        self._max_body = max_body

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | Secret] = {},
        json: object = None,
        unread: Collection[int] = (),
        timeout: float | None = None,
    ) -> HttpAnswer:
        """Send one request and read its answer.

        Args:
            method: ``GET``, ``POST``...
            path: What comes after the base URL, percent-encoded, query included.
            headers: Sent beside those of the backend, or instead of them.
            json: The value to send as JSON; each `Secret` in it is revealed on the wire only.
            unread: Statuses whose body is not read; it is empty then.
            timeout: Seconds for the whole exchange; None leaves it to the engine's deadline.

        Raises:
            ScannerUnavailableError: No connection, no answer in time, or the connection broke in the middle.
            InvalidReportError: The body is longer than allowed.
        """
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT)
        sent = {**self._headers, **headers}
        self._secrets.update(dict.fromkeys(find_secrets(sent, json)))
        try:
            async with self._context.http.request(
                method,
                URL(self._server + path, encoded=True),
                headers=reveal(sent),
                json=reveal(json),
                allow_redirects=False,
                timeout=limits,
            ) as response:
                body = b"" if response.status in unread else await read_bounded(response, self._max_body)
                return self._answer(response.status, response.headers, body)
        except aiohttp.ClientConnectorCertificateError as error:
            msg = f"{self._server} {what_broke(error)}; give its authority as ca_file"
            raise ScannerUnavailableError(msg, retry=False) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            msg = f"{self._server} {what_broke(error)}"
            raise ScannerUnavailableError(msg) from error

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        if body is None:
            msg = f"HTTP {status}, and the body is longer than {self._max_body} bytes"
            raise InvalidReportError(msg)
        return HttpAnswer(status=status, headers=headers, body=body, secrets=tuple(self._secrets))
