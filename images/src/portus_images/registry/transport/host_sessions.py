"""One session for each host: with its TLS, its proxy, and connections that no other host shares."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import RegistryError
from ...sessions import open_session
from ...settings import RegistrySettings
from ..hosts import HostSettings
from .proxies import Proxies, Proxy

Key = tuple[str, str, int | None]
Files = tuple[str, str, str, bool]


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
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request, as aiohttp does; a redirect is an answer.

        Credentials for the proxy go with the request for a tunnel; where there is none, with the request itself.
        """
        options: dict[str, Any] = {"headers": {**(headers or {})}}
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
    """

    def __init__(self, settings: HostSettings, proxies: Proxies) -> None:
        self._settings = settings
        self._proxies = proxies
        self._open: dict[Key, HostSession] = {}
        self._contexts: dict[Files, ssl.SSLContext | bool] = {}
        self._lock = asyncio.Lock()
        self._closed = False

    async def get(self, url: URL, registry: str) -> HostSession:
        """Return the session for a host; it is opened if there is none.

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
        """Close all sessions; none can be opened afterwards."""
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


class TlsFileError(Exception):
    """A file that can't be used; the message names it, and holds nothing of its content."""


class _PassphraseError(Exception):
    """The key has a passphrase."""


def make_context(settings: RegistrySettings) -> ssl.SSLContext | bool:
    """Return what aiohttp wants as ``ssl``. Blocking where files are named.

    Raises:
        TlsFileError: A file can't be read, or is not what it should be.
    """
    if not settings.client_cert and (settings.insecure or not settings.ca_file):
        return not settings.insecure
    context = _trust_nobody() if settings.insecure else _trust(settings.ca_file)
    if settings.client_cert:
        _add_client_certificate(context, settings.client_cert, settings.client_key)
    return context


def _trust(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise TlsFileError(f"the ca_file {ca_file} can't be used: {error.strerror or error}") from error


def _trust_nobody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _add_client_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    files = f"client_cert {certificate}" + (f" with client_key {key}" if key else "")
    try:
        context.load_cert_chain(certificate, key or None, password=_refuse_passphrase)
    except _PassphraseError as error:
        advice = f"take it off: openssl pkey -in {key or certificate} -out NEW_FILE"
        raise TlsFileError(
            f"the key {key or certificate} has a passphrase, which nobody is asked for; {advice}"
        ) from error
    except OSError as error:
        reason = error.strerror or "it is not a PEM file of a certificate and its key"
        raise TlsFileError(f"the {files} can't be used: {reason}") from error


def _refuse_passphrase() -> str:
    raise _PassphraseError
