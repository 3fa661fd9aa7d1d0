"""Sends requests and reads their answers."""

from __future__ import annotations

import asyncio
import logging
from asyncio import sleep
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from ...pacing import Pacers
from ...sessions import CONNECT_TIMEOUT, read_bounded
from ..answers import Answer, Grant
from ..hosts import HostSettings, same_origin
from .call import Call
from .failures import Failure, make_failure, make_proxy_error
from .proxies import Proxies, Proxy
from .redirects import MOST_REDIRECTS, REDIRECTS, find_target, refuse
from .retries import find_pause
from .sessions import HostSession, Sessions

DEADLINE = 30.0
"""Seconds for one try of a request, redirects and body included; none for a body that goes to a file."""
READ_TIMEOUT = 20.0
"""Seconds between two pieces of an answer, and until its first."""
_LOGGER = logging.getLogger("portus_images.registry")
_PIECE = 1024 * 1024
_FIRST_FAILURE = 300
_PROXY_WANTS_CREDENTIALS = 407
_FORM = "application/x-www-form-urlencoded"


class Transport:
    """Sends requests: one session for each host, one TLS context for each set of files.

    Args:
        settings: The configuration's, by host.
        proxies: The environment's.
    """

    def __init__(self, settings: HostSettings, proxies: Proxies) -> None:
        self._sessions = Sessions(settings, proxies)
        self._pacers = Pacers()

    async def send(self, call: Call) -> Answer:
        """Send a request, follow its redirects, read the answer. A status is not judged.

        After 429, 5xx and a broken connection it is sent once or twice more. ``Authorization`` stays behind when
        scheme, host or port change.

        Raises:
            BlobFileError: The body was not what should go to the file, or that could not be written.
            RegistryUnavailableError: No connection, no answer in time, or the connection broke each time.
            RegistryError: A redirect that must not be followed, or a file for TLS that can't be read.
        """
        tries = 1
        outcome = await self._try(call)
        while (pause := find_pause(outcome, tries)) is not None:
            _LOGGER.debug("%s, %s: again in %.1f s", call.registry, call.step, pause)
            await sleep(pause)
            tries += 1
            outcome = await self._try(call)
        if isinstance(outcome, Failure):
            raise outcome.throw()
        return outcome

    async def reaches(self, call: Call, connect_timeout: float) -> bool:
        """Tell whether a connection as the URL's scheme wants it (TLS or not) comes about; the answer is not read.

        A certificate that can't be verified is a connection in this sense: TLS was answered.

        Raises:
            RegistryError: A file for TLS that can't be read, or a proxy that can't be used.
        """
        session = await self._sessions.get(call.url, call.registry)
        limits = aiohttp.ClientTimeout(total=DEADLINE, sock_connect=connect_timeout)
        options = _proxy_options(session.proxy, call.url)
        try:
            async with session.http.request(call.method, call.url, allow_redirects=False, timeout=limits, **options):
                return True
        except aiohttp.ClientConnectorCertificateError:
            return True
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            failure = make_failure(call, call.url, error, session.proxy.url if session.proxy else None)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return False
        except (aiohttp.ClientError, TimeoutError, OSError):
            return True
        raise failure.throw()

    async def aclose(self) -> None:
        """Close all sessions; the object can't be used afterwards."""
        await self._sessions.aclose()

    async def _try(self, call: Call) -> Answer | Failure:
        """Send a request once, when it is its turn: the wait for that is not the server's time."""
        async with self._pacers.request("" if call.file else call.method, call.url) as paced:
            outcome = await self._try_now(call)
            if isinstance(outcome, Answer):
                paced.answered(outcome.status, outcome.retry_after)
            return outcome

    async def _try_now(self, call: Call) -> Answer | Failure:
        try:
            async with asyncio.timeout(DEADLINE if call.file is None else None):
                return await self._follow(call)
        except TimeoutError as error:
            return make_failure(call, call.url, error)

    async def _follow(self, call: Call) -> Answer | Failure:
        url, grant = call.url, call.grant
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._exchange(call, url, grant)
            if isinstance(answer, Failure) or answer.status not in REDIRECTS or "Location" not in answer.headers:
                return answer
            target = find_target(call, url, answer.status, answer.headers["Location"])
            grant = grant if same_origin(call.url, target) else None
            url = target
        raise refuse(call, f"redirects more than {MOST_REDIRECTS} times")

    async def _exchange(self, call: Call, url: URL, grant: Grant | None) -> Answer | Failure:
        session = await self._sessions.get(url, call.registry)
        try:
            answer = await _request(session, call, url, grant)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return make_failure(call, url, error, session.proxy.url if session.proxy else None)
        _LOGGER.debug("%s, %s: %s to %s: HTTP %d", call.registry, call.step, call.method, url.host, answer.status)
        if answer.status == _PROXY_WANTS_CREDENTIALS and session.proxy:
            return Failure(make_proxy_error(call, session.proxy.url, answer.status), None)
        return answer


async def _request(session: HostSession, call: Call, url: URL, grant: Grant | None) -> Answer:
    """Send one request once, and read its answer."""
    # No compression: a digest and a Content-Length are those of the plain bytes.
    headers = {"Accept-Encoding": "identity", **call.headers}
    if grant:
        headers["Authorization"] = grant.header.reveal()
    data = None
    if call.form is not None:
        headers["Content-Type"] = _FORM
        data = urlencode({name: value.reveal() for name, value in call.form.items()}).encode()
    options = _proxy_options(session.proxy, url)
    headers |= options.pop("headers", {})
    limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT)
    async with session.http.request(
        call.method, url, headers=headers, data=data, allow_redirects=False, timeout=limits, **options
    ) as response:
        return await _read(response, call, url)


def _proxy_options(proxy: Proxy | None, url: URL) -> dict[str, Any]:
    """Return what aiohttp is told of a proxy: its credentials go with the tunnel's request, or else the request."""
    if proxy is None:
        return {}
    headers = {"Proxy-Authorization": proxy.header.reveal()} if proxy.header else {}
    return {"proxy": proxy.url, "proxy_headers" if url.scheme == "https" else "headers": headers}


async def _read(response: aiohttp.ClientResponse, call: Call, url: URL) -> Answer:
    if call.file is not None and response.status < _FIRST_FAILURE:
        await call.file.fill(response.content.iter_chunked(_PIECE))
    body = await read_bounded(response, call.limit)
    return Answer(
        status=response.status,
        headers=response.headers,
        body=body or b"",
        too_long=body is None,
        url=url,
        elsewhere=not same_origin(call.url, url),
        hidden=call.hidden,
    )
