"""One session for each host: with its TLS, its proxy, and connections that no other host shares."""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import RegistryError
from ...sessions import open_session
from ...settings import RegistrySettings
from ..hosts import HostSettings
from .proxies import Proxies, Proxy
from .tls import TlsFileError, make_context

Key = tuple[str, str, int | None]
Files = tuple[str, str, str, bool]


@frozen
class HostSession:
    """How requests for one host are sent."""

    http: aiohttp.ClientSession
    proxy: Proxy | None


class Sessions:
    """All sessions of a client.

    Args:
        settings: The configuration's, by host.
        proxies: The environment's.
    """

    def __init__(self, settings: HostSettings, proxies: Proxies) -> None:
        self._settings = settings
        self._proxies = proxies
        self._open: dict[Key, HostSession] = {}
        self._contexts: dict[Files, ssl.SSLContext | bool] = {}
        self._lock = asyncio.Lock()
        self._closed = False

    async def get(self, url: URL, registry: str) -> HostSession:
        """Return the session for a host: there is one, or it is opened.

        Args:
            url: An address on that host.
            registry: For messages.

        Raises:
            RegistryError: A file for TLS, or the proxy's address, can't be used.
        """
        key = (url.scheme, url.raw_host or "", url.port)
        if key not in self._open:
            async with self._lock:
                await self._add(key, url, registry)
        return self._open[key]

    async def aclose(self) -> None:
        """Close all; none can be opened afterwards."""
        self._closed = True
        async with self._lock:
            sessions = [session.http for session in self._open.values()]
            self._open.clear()
        for session in sessions:
            await session.close()

    async def _add(self, key: Key, url: URL, registry: str) -> None:
        proxy = self._proxies.find(url, registry)
        tls = await self._find_context(self._settings.find_for(url), registry)
        if self._closed:
            raise RuntimeError("the registry client was closed")
        if key not in self._open:
            self._open[key] = HostSession(open_session(tls), proxy)

    async def _find_context(self, settings: RegistrySettings, registry: str) -> ssl.SSLContext | bool:
        files = (settings.ca_file, settings.client_cert, settings.client_key, settings.insecure)
        if not any(files[:3]):
            return make_context(settings)  # no thread for it: while there are others a signal may go to one of those
        if files not in self._contexts:
            try:
                self._contexts[files] = await asyncio.to_thread(make_context, settings)
            except TlsFileError as error:
                message = f"{registry}, connect: {error}"
                raise RegistryError(message, registry=registry, step="connect") from error.__cause__
        return self._contexts[files]
