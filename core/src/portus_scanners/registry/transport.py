"""HTTP to registries: sessions, redirects, bounded answers, errors of the right kind."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping

import aiohttp
from attrs import field, frozen
from yarl import URL

from ..errors import RegistryError, RegistryUnavailableError
from ..http import make_tls, open_session, read_bounded, what_broke
from .answers import Answer, Grant
from .hosts import HostSettings, same_origin
from .single_flight import CLOSED

DEADLINE = 30.0
"""Seconds for one request, redirects and body included."""
MOST_REDIRECTS = 5
_LOGGER = logging.getLogger("portus_scanners.registry")
_REDIRECTS = {301, 302, 303, 307, 308}
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@frozen(kw_only=True)
class Call:
    """One request, and what its errors are to say."""

    method: str = "GET"
    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    grant: Grant | None = None
    limit: int
    """Bytes of the body that are read."""
    registry: str
    step: str


class Transport:
    """Sends requests: one session for each host, one TLS context for each CA file.

    Args:
        settings: The configuration's, by host.
    """

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self._sessions: dict[tuple[str, str, int | None], aiohttp.ClientSession] = {}
        self._contexts: dict[str, ssl.SSLContext | bool] = {}
        self._lock = asyncio.Lock()
        self._closed = False

    async def send(self, call: Call) -> Answer:
        """Send a request, follow its redirects, read the answer.

        ``Authorization`` stays behind when scheme, host or port change. A status is not judged.

        Raises:
            RegistryUnavailableError: No connection, no answer in time, or the connection broke.
            RegistryError: A redirect that must not be followed, or a CA file that can't be read.
        """
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._follow(call)
        except TimeoutError as error:
            raise _make_failure(call, call.url, error) from error

    async def reaches(self, call: Call, connect_timeout: float) -> bool:
        """Tell whether a connection as the URL's scheme wants it (TLS or not) comes about; the answer is not read.

        A certificate that can't be verified is a connection in this sense: TLS was answered.

        Raises:
            RegistryError: A CA file that can't be read.
        """
        session = await self._session(call)
        limits = aiohttp.ClientTimeout(total=DEADLINE, sock_connect=connect_timeout)
        try:
            async with session.request(call.method, call.url, allow_redirects=False, timeout=limits):
                return True
        except aiohttp.ClientConnectorCertificateError:
            return True
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return False
        except (aiohttp.ClientError, TimeoutError, OSError):
            return True

    async def aclose(self) -> None:
        """Close all sessions; the object can't be used afterwards."""
        self._closed = True
        async with self._lock:
            sessions = list(self._sessions.values())
            self._sessions.clear()
        for session in sessions:
            await session.close()

    async def _follow(self, call: Call) -> Answer:
        url, grant = call.url, call.grant
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._exchange(call, url, grant)
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                return answer
            target = _find_target(call, url, answer.headers["Location"])
            grant = grant if same_origin(call.url, target) else None
            url = target
        raise _refuse(call, f"redirects more than {MOST_REDIRECTS} times")

    async def _exchange(self, call: Call, url: URL, grant: Grant | None) -> Answer:
        session = await self._session(call, url)
        # No compression: a digest and a Content-Length are those of the plain bytes.
        headers = {"Accept-Encoding": "identity", **call.headers}
        if grant:
            headers["Authorization"] = grant.header.reveal()
        try:
            async with session.request(call.method, url, headers=headers, allow_redirects=False) as response:
                _LOGGER.debug(
                    "%s, %s: %s to %s: HTTP %d", call.registry, call.step, call.method, url.host, response.status
                )
                return await _read(response, call, url)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure, cause = _make_failure(call, url, error), _make_harmless(error)
        raise failure from cause  # outside, since the error's headers would be the context

    async def _session(self, call: Call, url: URL | None = None) -> aiohttp.ClientSession:
        """Return the session for a host: there is one, or it is opened."""
        target = url or call.url
        key = (target.scheme, target.raw_host or "", target.port)
        if key not in self._sessions:
            async with self._lock:
                await self._open(key, target, call)
        return self._sessions[key]

    async def _open(self, key: tuple[str, str, int | None], target: URL, call: Call) -> None:
        settings = self._settings.find_for(target)
        tls = await self._make_tls(settings.ca_file, insecure=settings.insecure, call=call)
        if self._closed:
            raise RuntimeError(CLOSED)
        if key not in self._sessions:
            self._sessions[key] = open_session(tls)

    async def _make_tls(self, ca_file: str, *, insecure: bool, call: Call) -> ssl.SSLContext | bool:
        if insecure or not ca_file:
            return make_tls("", insecure=insecure)
        if ca_file not in self._contexts:
            try:
                self._contexts[ca_file] = await asyncio.to_thread(make_tls, ca_file, insecure=False)
            except OSError as error:
                message = f"{call.registry}: the ca_file {ca_file} can't be used: {error.strerror or error}"
                raise RegistryError(message, registry=call.registry, step="connect") from error
        return self._contexts[ca_file]


async def _read(response: aiohttp.ClientResponse, call: Call, url: URL) -> Answer:
    body = await read_bounded(response, call.limit)
    return Answer(
        status=response.status,
        headers=response.headers,
        body=body or b"",
        too_long=body is None,
        url=url,
        elsewhere=not same_origin(call.url, url),
        hidden=call.grant.hidden if call.grant else (),
    )


def _find_target(call: Call, url: URL, location: str) -> URL:
    """Return where a redirect leads, if it may be followed."""
    target = _join(url, location)
    if target is None or target.user or target.password:
        raise _refuse(call, "redirects to an address that is not plain http or https")
    if (url.scheme, target.scheme) == ("https", "http"):
        raise _refuse(call, "redirects from https to http")
    return target


def _join(url: URL, location: str) -> URL | None:
    """Return an absolute address, or None for what is none; a signed one must not be quoted anew."""
    try:
        target = url.join(URL(location, encoded=_VISIBLE.fullmatch(location) is not None)).with_fragment(None)
        usable = target.scheme in {"http", "https"} and target.host and target.port
    except ValueError:
        return None
    return target if usable else None


def _refuse(call: Call, what: str) -> RegistryError:
    message = f"{call.registry}, {call.step}: it {what}, which is not followed: check the registry's address"
    return RegistryError(message, registry=call.registry, step=call.step)


def _make_failure(call: Call, url: URL, error: BaseException) -> RegistryError:
    """Return the error for an exchange that did not come about."""
    place = url.raw_authority
    advice = "try again later, or check its address"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        advice = f"give its authority as ca_file in the configuration (registries: {place}: ca_file)"
    step = "connect" if isinstance(error, aiohttp.ClientConnectorError) else call.step
    who = "it" if place == call.registry else place
    message = f"{call.registry}, {step}: {who} {what_broke(error)}; {advice}"
    return RegistryUnavailableError(message, registry=call.registry, step=step)


def _make_harmless(error: BaseException) -> BaseException | None:
    """Return an exception as a cause, unless it holds the request's headers: they have the credentials."""
    return None if isinstance(error, aiohttp.ClientResponseError) else error
