"""Talking to a backend over HTTP: sessions, bounded bodies, errors of the right kind."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

import aiohttp
from attrs import define, field, frozen
from portus_images import (
    CONNECT_TIMEOUT,
    Secret,
    SettingsError,
    advise_on_tls,
    one_line,
    read_bounded,
    read_retry_after,
    what_broke,
)
from yarl import URL

from ..errors import InvalidReportError, ScannerError, ScannerUnavailableError
from ..scanner import ScannerContext
from .answer import BackendAnswer, SecretMask

DEFAULT_MAX_BODY = 64 * 1024 * 1024
"""Bytes of a decoded body that are read at most."""
_MOST_LOOKED_AT = 4096
_TOO_MANY_REQUESTS = 429
_SERVER_FAULTS = range(500, 600)


@frozen(kw_only=True)
class HttpAnswer(BackendAnswer):
    """One answer of a backend, read to its end.

    Attributes:
        status: The HTTP status.
        headers: The headers, by name in upper or lower case.
        body: The body, decompressed.
        secrets: Secrets that were sent and must not be shown if the backend quotes them.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    secrets: frozenset[Secret] = field(default=frozenset(), repr=False, eq=False)

    @property
    def unavailable(self) -> bool:
        """Whether the status says that the server is out of order or overloaded: 5xx or 429."""
        return self.status == _TOO_MANY_REQUESTS or self.status in _SERVER_FAULTS

    @property
    def excerpt(self) -> str:
        """The first 200 characters of the body in one line, secrets masked: for messages."""
        return one_line(self._mask.head(self.body, _MOST_LOOKED_AT).decode(errors="replace"))

    def mask(self, text: str) -> str:
        """Return *text*, quoted from the body, with the secrets masked that were sent: for messages."""
        return self._mask.text(text)

    @property
    def _mask(self) -> SecretMask:
        return SecretMask(form for secret in self.secrets for form in _header_forms(secret.reveal()))

    @property
    def _content(self) -> bytes:
        return self.body

    @property
    def _what(self) -> str:
        return f"HTTP {self.status}, and the body"

    @property
    def _not_json(self) -> str:
        return f"{self._what} is not JSON: {self.excerpt or 'it is empty'}"


@define(eq=False, repr=False)
class HttpBackend:
    """A backend's HTTP API, as a scanner uses it: bounded bodies, `ScannerUnavailableError` without an answer.

    Redirects are not followed. A status is not judged: that is the scanner's part. A server that answers 429 or 503, or
    becomes slow, is given fewer requests at once, by all scanners that use it; a request waits for its turn before its
    *timeout* begins.

    Args:
        context: The scanner's context: its `http` sends the requests, its `pacers` say when.
        server: Base URL without a slash at the end.
        headers: Sent with every request. What is secret in them goes in as a `Secret`.
        max_body: Bytes of a decoded body that are accepted.
    """

    _context: ScannerContext
    _server: str
    _headers: Mapping[str, str | Secret] = field(factory=dict, kw_only=True)
    _max_body: int = field(default=DEFAULT_MAX_BODY, kw_only=True)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: Mapping[str, str | Secret] = {},
        unread: Collection[int] = (),
        timeout: float | None = None,
    ) -> HttpAnswer:
        """Send one request and read its answer.

        Args:
            method: ``GET``, ``POST``...
            path: What comes after the base URL, percent-encoded, query included.
            json: The value to send as JSON. A `Secret` in it is revealed to the server alone, and masked in the
                answer's excerpt.
            headers: Sent besides those of the backend; one of the same name instead of it.
            unread: Statuses whose body is not read; it is empty then.
            timeout: Seconds for the whole exchange; None leaves it to the engine's deadline.

        Raises:
            ScannerUnavailableError: No connection, no answer in time, or the connection broke in the middle.
            InvalidReportError: The body is longer than allowed.
            ScannerError: The password or token in the scanner's settings can't be read any longer.
        """
        sent = _Sent.of(json, {**self._headers, **headers})
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT)
        url = URL(self._server + path, encoded=True)
        try:
            async with (
                self._context.pacers.request(method, url) as paced,
                self._context.http.request(
                    method, url, data=sent.body, headers=sent.headers, allow_redirects=False, timeout=limits
                ) as response,
            ):
                paced.answered(response.status, read_retry_after(response.headers))
                body = b"" if response.status in unread else await read_bounded(response, self._max_body)
                return self._answer(response, body, sent)
        except SettingsError as error:  # the session could not read a password or token
            raise ScannerError(f"{self._server} was not asked: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            advice = advise_on_tls(error, "ca_file", "client_cert", "write http://") if url.scheme == "https" else ""
            msg = "; ".join(filter(None, (f"{self._server} {what_broke(error)}", advice)))
            is_certificate = isinstance(error, aiohttp.ClientConnectorCertificateError)
            raise ScannerUnavailableError(msg, retry=not is_certificate) from error

    def _answer(self, response: aiohttp.ClientResponse, body: bytes | None, sent: _Sent) -> HttpAnswer:
        if body is None:
            raise InvalidReportError(f"HTTP {response.status}, and the body is longer than {self._max_body} bytes")
        account = response.request_info.headers.get("Authorization")  # the session may have put it in
        secrets = sent.secrets | {Secret(account)} if account else sent.secrets
        return HttpAnswer(status=response.status, headers=response.headers, body=body, secrets=secrets)


@frozen
class _Sent:
    """A request as it goes onto the wire."""

    body: bytes | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secrets: frozenset[Secret]

    @classmethod
    def of(cls, value: object, headers: Mapping[str, str | Secret]) -> _Sent:
        """Reveal the secrets of a JSON value and of headers, and remember them."""
        secrets = {header for header in headers.values() if isinstance(header, Secret)}

        def reveal(inner: object) -> str:
            if not isinstance(inner, Secret):
                raise TypeError(f"{type(inner).__name__} can't be sent as JSON")
            secrets.add(inner)
            return inner.reveal()

        body = None if value is None else json.dumps(value, default=reveal).encode()
        plain = {name: one.reveal() if isinstance(one, Secret) else one for name, one in headers.items()}
        kind = {} if body is None else {"Content-Type": "application/json"}
        return cls(body, {**kind, **plain}, frozenset(secrets))


def _header_forms(secret: str) -> Iterator[str]:
    """Yield a secret; of ``Bearer TOKEN`` the token alone; of ``Basic BASE64`` what it encodes, and the password."""
    scheme, _, credentials = secret.rpartition(" ")
    yield from (secret, credentials)
    if scheme.lower() == "basic":
        with suppress(ValueError):
            pair = b64decode(credentials).decode(errors="replace")
            yield from (pair, pair.partition(":")[2])
