"""One registry: where its API is, and whether it speaks HTTPS or plain HTTP."""

from __future__ import annotations

from functools import partial

from yarl import URL

from ...errors import RegistryError
from ...single_flight import SingleFlight
from ..exchange import RegistryCall
from ..hosts import HostSettings, is_loopback
from ..transport import Transport

HANDSHAKE_LIMIT = 3.0
"""Seconds in which a registry that may speak plain HTTP has to answer TLS."""


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

    def __init__(
        self, name: str, authority: str, transport: Transport, settings: HostSettings, flights: SingleFlight
    ) -> None:
        self.name = name
        self.transport = transport
        self.settings = settings
        self.flights = flights
        self._own = settings.find(name)
        self._authority = authority
        self._base: URL | None = None

    async def base(self) -> URL:
        """Return the API's address, without a path.

        Raises:
            RegistryError: It can't be found out, or the host is not a valid one.
        """
        if self._base is None:
            self._base = URL(self._own.url) if self._own.url else await self._find_base()
        return self._base

    async def backend_base(self) -> URL:
        """Return the API's address as backends see it, without a path.

        Raises:
            RegistryError: As `base`.
        """
        return URL(self._own.backend_url) if self._own.backend_url else await self.base()

    async def locate(self, path: str) -> URL:
        """Return the address of a path of the API, which is absolute and percent-encoded.

        Raises:
            RegistryError: As `base`.
        """
        return (await self.base()).join(URL(path, encoded=True))

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
