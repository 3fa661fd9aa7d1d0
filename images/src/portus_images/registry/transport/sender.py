"""Sends requests, each host's by a session of its own, and reads their answers."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from asyncio import sleep
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import RegistryError
from ...pacing import Pacers
from ...sessions import CONNECT_TIMEOUT, RefusedAddressError, TlsFileError, make_tls, open_session, read_bounded
from ...settings import RegistrySettings
from ..exchange import FIRST_FAILURE, Grant, RegistryAnswer, RegistryCall
from ..hosts import HostSettings, same_origin
from .outcomes import (
    MOST_REDIRECTS,
    REDIRECTS,
    Failure,
    find_pause,
    find_target,
    make_failure,
    make_proxy_error,
    refuse_redirect,
)
from .proxies import Proxies, Proxy

DEADLINE = 30.0
"""Seconds for one try of a request, redirects and body included; none for a body that goes to a file."""
READ_TIMEOUT = 20.0
"""Seconds between two pieces of an answer, and until its first."""
_LOGGER = logging.getLogger("portus_images.registry")
_PIECE = 1024 * 1024
_PROXY_WANTS_CREDENTIALS = 407
_FORM = "application/x-www-form-urlencoded"
_Key = tuple[str, str, int | None]
_Files = tuple[str, str, str, bool]
MayConnect = Callable[[str, bool], bool]
"""Tells whether to connect to an IP address; the second argument is whether the configuration names its host."""


@frozen
class HostSession:
    """How requests for one host are sent."""

    http: aiohttp.ClientSession
    proxy: Proxy | None

    def request(
        self,
        method: str,
        url: URL,
        limits: aiohttp.ClientTimeout,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        as_stored: bool = False,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request, as aiohttp does; a redirect is an answer.

        A body is decoded, unless it is wanted *as_stored*: a storage may call a layer encoded that is a gzip file.
        Credentials for the proxy go with the request for a tunnel; where there is none, with the request itself.
        """
        options: dict[str, Any] = {"headers": {**(headers or {})}, "auto_decompress": not as_stored}
        if self.proxy is not None:
            options["proxy"] = self.proxy.url
            key = "proxy_headers" if url.scheme == "https" else "headers"
            options[key] = {**options.get(key, {}), **self.proxy.headers}
        return self.http.request(method, url, allow_redirects=False, timeout=limits, data=body, **options)


class HostSessions:
    """All sessions of a registry client.

    Args:
        settings: The configuration's, by host.
        proxies: The environment's.
        may_connect: Asked about each address; all are allowed where None.
    """

    def __init__(self, settings: HostSettings, proxies: Proxies, may_connect: MayConnect | None = None) -> None:
        self._settings = settings
        self._proxies = proxies
        self._may_connect = may_connect
        self._open: dict[_Key, HostSession] = {}
        self._contexts: dict[_Files, ssl.SSLContext | bool] = {}
        self._lock = asyncio.Lock()
        self._closed = False

    async def get(self, url: URL, registry: str) -> HostSession:
        """Return the session for the host of an address; it is opened if there is none.

        Raises:
            RegistryError: A file for TLS, or the proxy's address, can't be used.
        """
        key = (url.scheme, url.raw_host or "", url.port)
        if key not in self._open:
            async with self._lock:
                await self._add(key, url, registry)
        return self._open[key]

    async def aclose(self) -> None:
        """Close all sessions; none can be opened afterwards."""
        self._closed = True
        async with self._lock:
            sessions = [session.http for session in self._open.values()]
            self._open.clear()
        await asyncio.gather(*(session.close() for session in sessions))

    async def _add(self, key: _Key, url: URL, registry: str) -> None:
        if key in self._open:
            return
        proxy, settings = self._proxies.find(url, registry), self._settings.find_for(url)
        tls: ssl.SSLContext | bool = not settings.insecure
        if settings.ca_file or settings.client_cert or settings.client_key:  # else no thread: a signal may go to one
            tls = await self._find_context(settings, registry)
        if self._closed:
            raise RuntimeError("the registry client was closed")
        # a proxy resolves names by itself
        check = None if proxy is not None or self._may_connect is None else self._make_check(url, self._may_connect)
        self._open[key] = HostSession(open_session(tls, make_socket=check), proxy)

    def _make_check(self, url: URL, may_connect: MayConnect) -> Callable[[Any], socket.socket]:
        """Return what makes sockets for a host, once its name is resolved: only for addresses that are allowed."""
        is_configured = self._settings.names(url)

        def make_socket(info: Any) -> socket.socket:
            if not may_connect(info[4][0], is_configured):
                advice = "" if is_configured else f": if it is meant, name it: registries: {url.raw_authority}: {{}}"
                raise RefusedAddressError(f"has an address that must not be connected to{advice}")
            return socket.socket(*info[:3])

        return make_socket

    async def _find_context(self, settings: RegistrySettings, registry: str) -> ssl.SSLContext | bool:
        """Return what the files of a host make of TLS; a thread reads them."""
        paths = (settings.ca_file, settings.client_cert, settings.client_key)
        files = (*paths, settings.insecure)
        if files not in self._contexts:
            try:
                self._contexts[files] = await asyncio.to_thread(make_tls, *paths, insecure=settings.insecure)
            except TlsFileError as error:
                message = f"{registry}, connect: {error}"
                raise RegistryError(message, registry=registry, step="connect") from error.__cause__
        return self._contexts[files]


class Transport:
    """Sends requests: one session for each host, one TLS context for each set of files.

    Args:
        settings: The configuration's, by host.
        proxies: The environment's.
        may_connect: See `HostSessions`.
    """

    def __init__(self, settings: HostSettings, proxies: Proxies, may_connect: MayConnect | None = None) -> None:
        self._sessions = HostSessions(settings, proxies, may_connect)
        self._pacers = Pacers()

    async def send(self, call: RegistryCall, grant: Grant | None = None) -> RegistryAnswer:
        """Send a request when it is its turn, follow its redirects, read the answer. Its status is not judged.

        After 429, 5xx and a broken connection it is sent once or twice more; after a 429 without ``Retry-After`` more
        often, while the whole server is given time. ``Authorization`` stays behind when scheme, host or port change.

        Args:
            call: The request.
            grant: What is sent as ``Authorization``.

        Raises:
            BlobFileError: The body was not what should go to the file, or that could not be written.
            RegistryUnavailableError: No connection, no answer in time, or the connection broke each time.
            RegistryError: A redirect that must not be followed, or a file for TLS that can't be read.
        """
        tries = 0
        pause: float | None = 0.0
        while pause is not None:
            if tries:
                _LOGGER.debug("%s, %s: again in %.1f s", call.registry, call.step, pause)
                await sleep(pause)
            async with self._pacers.request("" if call.file else call.method, call.url) as paced:
                outcome = await self._try(call, grant)
                if isinstance(outcome, RegistryAnswer):
                    paced.answered(outcome.status, outcome.retry_after)
                    if not outcome.failed:
                        return outcome
            tries += 1
            pause = find_pause(outcome, tries, limit_may_pass=paced.limit_may_pass)
        if isinstance(outcome, Failure):
            raise outcome.throw()
        return outcome

    async def speaks_tls(self, secure: RegistryCall, plain: RegistryCall, connect_timeout: float) -> bool:
        """Tell whether a server answers TLS; where it does not, it has to answer plain HTTP.

        Args:
            secure: A request with TLS; its answer is not read.
            plain: The same without.
            connect_timeout: Seconds in which TLS has to be answered.

        Raises:
            RegistryUnavailableError: It answers neither.
            RegistryError: A file for TLS that can't be read, or a proxy that can't be used.
        """
        if await self._reaches(secure, connect_timeout):
            return True
        await self.send(plain)
        return False

    async def aclose(self) -> None:
        """Close all sessions; the object can't be used afterwards."""
        await self._sessions.aclose()

    async def _reaches(self, call: RegistryCall, connect_timeout: float) -> bool:
        """Tell whether TLS comes about. A certificate that can't be verified is an answer in this sense."""
        session = await self._sessions.get(call.url, call.registry)
        limits = aiohttp.ClientTimeout(total=DEADLINE, sock_connect=connect_timeout)
        try:
            async with session.request(call.method, call.url, limits):
                return True
        except aiohttp.ClientConnectorCertificateError:
            return True
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            failure = make_failure(call, call.url, error, session.proxy)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return False
        except (aiohttp.ClientError, TimeoutError, OSError):
            return True
        raise failure.throw()

    async def _try(self, call: RegistryCall, grant: Grant | None) -> RegistryAnswer | Failure:
        """Send a request once, and follow its redirects. The time that it has does not count the wait for its turn."""
        url = call.url
        try:
            async with asyncio.timeout(DEADLINE if call.file is None else None):
                for _ in range(MOST_REDIRECTS + 1):
                    outcome = await self._exchange(call, url, grant)
                    if isinstance(outcome, Failure) or not (
                        outcome.status in REDIRECTS and "Location" in outcome.headers
                    ):
                        return outcome
                    url = find_target(call, url, outcome)
                    grant = grant if same_origin(call.url, url) else None
        except TimeoutError as error:
            return make_failure(call, call.url, error)
        raise refuse_redirect(call, f"redirects more than {MOST_REDIRECTS} times")

    async def _exchange(self, call: RegistryCall, url: URL, grant: Grant | None) -> RegistryAnswer | Failure:
        session = await self._sessions.get(url, call.registry)
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT)
        headers, form, as_stored = _make_headers(call, grant), _make_form(call), call.file is not None
        try:
            async with session.request(call.method, url, limits, headers, form, as_stored=as_stored) as response:
                if call.file is not None and response.status < FIRST_FAILURE:
                    await call.file.fill(response.content.iter_chunked(_PIECE))
                body = await read_bounded(response, call.limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return make_failure(call, url, error, session.proxy)
        _LOGGER.debug("%s, %s: %s to %s: HTTP %d", call.registry, call.step, call.method, url.host, response.status)
        if response.status == _PROXY_WANTS_CREDENTIALS and session.proxy:
            return Failure(make_proxy_error(call, session.proxy, response.status), None)
        return RegistryAnswer(
            status=response.status,
            headers=response.headers,
            body=body or b"",
            too_long=body is None,
            url=url,
            elsewhere=url is not call.url and not same_origin(call.url, url),
            hidden=(*(grant.hidden if grant else ()), *(call.form or {}).values()),
        )


def _make_headers(call: RegistryCall, grant: Grant | None) -> dict[str, str]:
    # No compression: a digest and a Content-Length are those of the plain bytes.
    headers = {"Accept-Encoding": "identity", **call.headers}
    if grant:
        headers["Authorization"] = grant.header.reveal()
    if call.form is not None:
        headers["Content-Type"] = _FORM
    return headers


def _make_form(call: RegistryCall) -> bytes | None:
    if call.form is None:
        return None
    return urlencode({name: value.reveal() for name, value in call.form.items()}).encode()
