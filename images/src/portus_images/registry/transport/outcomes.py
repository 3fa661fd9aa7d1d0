"""What a try of a request came to, and what follows: an error, another try, a redirect.

Neither the message of an error nor its cause holds a header or the query of an address.
"""

from __future__ import annotations

import random

import aiohttp
from attrs import frozen
from yarl import URL

from ...errors import RegistryError, RegistryUnavailableError
from ...sessions import advise_on_tls, what_broke
from ..exchange import SERVER_FAULT, TOO_MANY, RegistryAnswer, RegistryCall
from ..hosts import resolve_location, same_origin
from .proxies import Proxy

MOST_REDIRECTS = 5
PAUSES = (0.5, 2.0)
"""Seconds before a second and a third try; up to half of each is taken off at random."""
MOST_LIMITED = 30
"""Tries of a request that is answered with 429 again and again while others are let through."""
LONGEST_WAIT = 30.0
"""Seconds of a ``Retry-After`` that are waited; a server that asks for more is not asked again."""
REDIRECTS = {301, 302, 303, 307, 308}
_METHOD_KEPT = {307, 308}
_SERVER_FAULTS = range(SERVER_FAULT, 600)
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


def make_failure(call: RegistryCall, url: URL, error: BaseException, proxy: Proxy | None = None) -> Failure:
    """Return the failure that an exception of aiohttp stands for, *url* having been asked through the proxy."""
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


def make_proxy_error(call: RegistryCall, proxy: Proxy | None, status: int | None, broke: str = "") -> RegistryError:
    """Return the error of a proxy that can't be reached, or will not let us through."""
    place = proxy.url.raw_authority if proxy else "the proxy"
    if status == _PROXY_WANTS_CREDENTIALS:
        said, advice = "HTTP 407", "it wants other credentials: put them into HTTP_PROXY or HTTPS_PROXY"
    elif status:
        said, advice = f"HTTP {status}", "check the proxy, or name the registry in NO_PROXY"
    else:
        said, advice = broke, "check HTTP_PROXY and HTTPS_PROXY, or name the registry in NO_PROXY"
    message = f"{call.registry}, connect: the proxy {place}: {said}; {advice}"
    return RegistryUnavailableError(message, registry=call.registry, step="connect", status=status)


def make_harmless(error: BaseException) -> BaseException | None:
    """Return an exception as a cause: aiohttp's own hold requests, headers, proxies and whole addresses."""
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
    if isinstance(inner, BaseException):
        return inner
    if isinstance(error, aiohttp.ClientError):
        return ConnectionError(type(error).__name__)
    return TimeoutError() if isinstance(error, TimeoutError) else error


def _advise(error: BaseException, url: URL) -> str:
    place = f"registries: {url.raw_authority}"
    names = (f"ca_file in the configuration ({place}: ca_file)", f"{place}: client_cert", f"{place}: insecure: true")
    about_tls = advise_on_tls(error, *names) if url.scheme == "https" else ""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return about_tls
    again = "" if isinstance(error, aiohttp.ClientConnectorSSLError) else "try again later, or "
    return "; ".join(filter(None, (f"{again}check its address", about_tls)))


def find_target(call: RegistryCall, url: URL, answer: RegistryAnswer) -> URL:
    """Return where a redirect leads, which *url* has answered, if it may be followed.

    Raises:
        RegistryError: It leads to another kind of address, from https to http, or would take a form elsewhere.
    """
    target = resolve_location(url, answer.headers["Location"])
    if target is None or target.user or target.password:
        raise refuse_redirect(call, "redirects to an address that is not plain http or https")
    if (url.scheme, target.scheme) == ("https", "http"):
        raise refuse_redirect(call, "redirects from https to http")
    if call.form is not None and not (answer.status in _METHOD_KEPT and same_origin(call.url, target)):
        raise refuse_redirect(call, "redirects a log-in")
    return target


def refuse_redirect(call: RegistryCall, what: str) -> RegistryError:
    """Return the error for a redirect that is not followed."""
    message = f"{call.registry}, {call.step}: it {what}, which is not followed: check the registry's address"
    return RegistryError(message, registry=call.registry, step=call.step)


def find_pause(outcome: RegistryAnswer | Failure, tries: int, *, limit_may_pass: bool) -> float | None:
    """Return the seconds to wait before a request is sent again; None where it is not.

    Args:
        outcome: What came of the last try.
        tries: How often the request was sent.
        limit_may_pass: Whether a 429 that does not say for how long is worth more tries: its server is given time.
    """
    limited = isinstance(outcome, RegistryAnswer) and outcome.status == TOO_MANY and outcome.retry_after is None
    if limited and (not limit_may_pass or tries > MOST_LIMITED):
        return None
    if not _may_pass(outcome) or (tries > len(PAUSES) and not limited):
        return None
    own = PAUSES[min(tries, len(PAUSES)) - 1] * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
    wanted = outcome.retry_after if isinstance(outcome, RegistryAnswer) else None
    if wanted is None:
        return own
    return max(own, wanted) if wanted <= LONGEST_WAIT else None


def _may_pass(outcome: RegistryAnswer | Failure) -> bool:
    if isinstance(outcome, Failure):
        return outcome.may_repeat
    return outcome.status == TOO_MANY or outcome.status in _SERVER_FAULTS
