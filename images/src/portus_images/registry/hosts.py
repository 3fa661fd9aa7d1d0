"""Registry hosts: their names, their settings, where the API of each is, and how addresses are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from attrs import define, field
from yarl import URL

from ..errors import RegistryError
from ..reference import DOCKER_HUB, HUB_NAMES
from ..settings import RegistrySettings
from ..single_flight import SingleFlight
from .exchange import SERVER_FAULT, TOO_MANY, RegistryAnswer, RegistryCall, make_error

if TYPE_CHECKING:
    from .transport import Transport

HANDSHAKE_LIMIT = 3.0
"""Seconds in which a registry that may speak plain HTTP has to answer TLS."""
_VISIBLE = r"[\x21-\x7e]+"
_DEFAULT = RegistrySettings()


def name_registry(host: str) -> str:
    """Return the one name of a registry that goes by several, in lower case."""
    host = host.lower()
    return DOCKER_HUB if host in HUB_NAMES else host


class HostSettings:
    """What the configuration says of each host."""

    def __init__(self, registries: Mapping[str, RegistrySettings]) -> None:
        self._registries = {name_registry(host): settings for host, settings in registries.items()}
        urls = [settings for settings in self._registries.values() if settings.url]
        self._addresses = {authority: settings for settings in urls for authority in _names_of(URL(settings.url))}

    def find(self, authority: str) -> RegistrySettings:
        """Return the settings for a host, written with its port where it has one."""
        return self._registries.get(name_registry(authority), _DEFAULT)

    def find_for(self, url: URL) -> RegistrySettings:
        """Return the settings for the host of an address: its own, else those of the registry that is reached there.

        The usual port may be written or not.
        """
        places = ((section, name) for section in (self._registries, self._addresses) for name in _names_of(url))
        return next((section[name] for section, name in places if name in section), _DEFAULT)

    def names(self, url: URL) -> bool:
        """Tell whether the configuration names the host of an address."""
        return self.find_for(url) is not _DEFAULT

    def has_own_tls(self, url: URL) -> bool:
        """Tell whether TLS with the host of an address goes by the configuration, not by the system alone."""
        if url.scheme != "https":
            return False
        found = self.find_for(url)
        return bool(found.ca_file or found.client_cert or found.insecure)


@define(eq=False, repr=False)
class RegistryHost:
    """A registry's API, and what all its callers share.

    The scheme is https. A registry on this machine, and one that is configured as ``insecure``, may speak plain HTTP:
    TLS is tried first, and what works is remembered. Where the configuration has a ``url``, that is taken.

    Args:
        name: The registry's name, for messages and settings: ``docker.io``.
        authority: Host and port of its API: ``registry-1.docker.io``.
        transport: Sends the requests.
        settings: The configuration's, by host.
        flights: Where the search for the scheme runs, and requests for tokens.
    """

    name: str
    _authority: str
    transport: Transport
    settings: HostSettings
    flights: SingleFlight
    _base: URL | None = field(default=None, init=False)
    _ping: tuple[RegistryCall, RegistryAnswer] | None = field(default=None, init=False)
    _own: RegistrySettings = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._own = self.settings.find(self.name)

    async def base(self) -> URL:
        """Return the API's address, without a path.

        Raises:
            RegistryError: It can't be found out, or the host is not a valid one.
        """
        if self._base is None:
            self._base = URL(self._own.url) if self._own.url else await self._find_base()
        return self._base

    async def backend_base(self) -> URL:
        """Return the API's address as backends see it, without a path; raises as `base`."""
        return URL(self._own.backend_url) if self._own.backend_url else await self.base()

    async def ping(self) -> tuple[RegistryCall, RegistryAnswer]:
        """Ask once, without credentials, what the registry wants from everybody; return the call and its answer.

        Raises:
            RegistryError: There is no answer, or the registry is out of order.
        """
        if self._ping is None:
            self._ping = await self.flights.run((self, "ping"), self._ask)
        return self._ping

    async def _ask(self) -> tuple[RegistryCall, RegistryAnswer]:
        call = self._make_ping(await self.base())
        answer = await self.transport.send(call)
        if answer.status == TOO_MANY or answer.status >= SERVER_FAULT:
            raise make_error(call, answer)
        return call, answer

    async def make_call(self, step: str, what: str, path: str, **more: Any) -> RegistryCall:
        """Return the call for a path of the API, absolute and percent-encoded; *more* as in `RegistryCall`."""
        url = (await self.base()).join(URL(path, encoded=True))
        return RegistryCall(registry=self.name, step=step, what=what, url=url, **more)

    async def _find_base(self) -> URL:
        secure = self._make_base("https")
        if not (self._own.insecure or is_loopback(secure.host)):
            return secure
        plain = self._make_base("http")
        probe = partial(self.transport.speaks_tls, self._make_ping(secure), self._make_ping(plain), HANDSHAKE_LIMIT)
        return secure if await self.flights.run(self, probe) else plain

    def _make_base(self, scheme: str) -> URL:
        try:
            base = URL(f"{scheme}://{self._authority}", encoded=True)
            if base.host and base.port and base.user is None and base.raw_authority == self._authority:
                return base
        except ValueError:
            pass
        raise RegistryError(f"{self.name[:100]!r} is not a valid host", registry=self.name, step="connect")

    def _make_ping(self, base: URL) -> RegistryCall:
        return RegistryCall(registry=self.name, step="connect", url=base.join(URL("/v2/")))


def is_loopback(host: str | None) -> bool:
    """Tell whether a host without port is this machine: ``localhost``, ``127.0.0.0/8``, ``::1``."""
    if not host or host.lower() == "localhost":
        return bool(host)
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def same_origin(one: URL, other: URL) -> bool:
    """Tell whether scheme, host and port are the same."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def resolve_location(url: URL, location: str) -> URL | None:
    """Return the absolute address that an answer names, quoted as it is: it may be signed; None for an invalid one."""
    try:
        target = url.join(URL(location, encoded=re.fullmatch(_VISIBLE, location) is not None)).with_fragment(None)
        usable = target.scheme in {"http", "https"} and target.host and target.port
    except ValueError:
        return None
    return target if usable else None


def _names_of(url: URL) -> tuple[str, ...]:
    """Return the names under which the host of an address may be configured."""
    names = {f"{_bracket(url)}:{url.port}"} | ({_bracket(url)} if url.is_default_port() else set())
    return tuple(map(name_registry, sorted(names)))


def _bracket(url: URL) -> str:
    host = url.raw_host or ""
    return f"[{host}]" if ":" in host else host
