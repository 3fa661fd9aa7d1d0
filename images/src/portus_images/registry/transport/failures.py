"""What an exchange that did not come about means. Neither message nor cause holds an address' query or a header."""

from __future__ import annotations

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import RegistryError, RegistryUnavailableError
from ...sessions import what_broke
from .call import Call

_PROXY_WANTS_CREDENTIALS = 407


@frozen
class Failure:
    """An exchange without an answer."""

    error: RegistryError
    cause: BaseException | None
    may_repeat: bool = False
    """The connection broke: the same request may get an answer."""

    def throw(self) -> RegistryError:
        """Return the error with its cause, to be raised outside of any ``except``: nothing else gets into its chain."""
        self.error.__cause__ = self.cause
        return self.error


def make_failure(call: Call, url: URL, error: BaseException, proxy: URL | None = None) -> Failure:
    """Return the failure that an exception of aiohttp stands for.

    Args:
        call: What was to be had.
        url: Which host was asked.
        error: The exception.
        proxy: Through which proxy, without credentials.
    """
    place = url.raw_authority
    broken = isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, ConnectionError)) or (
        isinstance(error, aiohttp.ClientOSError) and not isinstance(error, aiohttp.ClientConnectorError)
    )
    step = "connect" if isinstance(error, aiohttp.ClientConnectorError) else call.step
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)):
        status = error.status if isinstance(error, aiohttp.ClientHttpProxyError) else None
        return Failure(make_proxy_error(call, proxy, status, what_broke(error)), make_harmless(error))
    who = "it" if place == call.registry else place
    message = f"{call.registry}, {step}: {who} {what_broke(error)}; {_advise(error, url)}"
    return Failure(RegistryUnavailableError(message, registry=call.registry, step=step), make_harmless(error), broken)


def make_proxy_error(call: Call, proxy: URL | None, status: int | None, broke: str = "") -> RegistryError:
    """Return the error of a proxy that can't be reached, or will not let us through."""
    place = proxy.raw_authority if proxy else "the proxy"
    if status == _PROXY_WANTS_CREDENTIALS:
        said, advice = "HTTP 407", "it wants other credentials: put them into HTTP_PROXY or HTTPS_PROXY"
    elif status:
        said, advice = f"HTTP {status}", "check the proxy, or name the registry in NO_PROXY"
    else:
        said, advice = broke, "check HTTP_PROXY and HTTPS_PROXY, or name the registry in NO_PROXY"
    message = f"{call.registry}, connect: the proxy {place}: {said}; {advice}"
    return RegistryUnavailableError(message, registry=call.registry, step="connect", status=status)


def make_harmless(error: BaseException) -> BaseException | None:
    """Return an exception as a cause. aiohttp's own hold requests, headers, proxies and whole addresses."""
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
    if isinstance(inner, BaseException):
        return inner
    if isinstance(error, aiohttp.ClientError):
        return ConnectionError(type(error).__name__)
    return TimeoutError() if isinstance(error, TimeoutError) else error


def _advise(error: BaseException, url: URL) -> str:
    place = url.raw_authority
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"give its authority as ca_file in the configuration (registries: {place}: ca_file)"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"check its address; if it speaks plain HTTP only: registries: {place}: insecure: true"
    advice = "try again later, or check its address"
    if url.scheme == "https" and isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        # TLS 1.3: a server that misses a certificate breaks the connection after the handshake
        known = isinstance(error, aiohttp.ClientConnectorError)
        return advice if known else f"{advice}; if it wants a client certificate: registries: {place}: client_cert"
    return advice
