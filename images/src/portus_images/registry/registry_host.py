"""One registry: whether it speaks HTTPS or plain HTTP, and how a request reaches it."""

from __future__ import annotations

from collections.abc import Mapping

from yarl import URL

from ..blob_file import BlobFile
from ..errors import RegistryError
from ..single_flight import SingleFlight
from .answers import Answer, Grant
from .hosts import HostSettings, is_loopback
from .transport import Call, Transport

HANDSHAKE_LIMIT = 3.0
"""Seconds in which a registry that may speak plain HTTP has to answer TLS."""
LARGEST_BODY = 4 * 1024 * 1024
_PING = "/v2/"


class RegistryHost:
    """A registry's API.

    The scheme is https. A registry on this machine, and one that is configured as ``insecure``, may speak plain HTTP:
    it is asked for TLS first, and what works is remembered. Where the configuration has a ``url``, that is taken.

    Args:
        name: The registry's name, for messages and settings: ``docker.io``.
        authority: Host and port of its API: ``registry-1.docker.io``.
        transport: What sends the requests.
        settings: The configuration's, by host.
        flights: Where the search for the scheme runs.
    """

    def __init__(
        self, name: str, authority: str, transport: Transport, settings: HostSettings, flights: SingleFlight
    ) -> None:
        own = settings.find(name)
        self.name = name
        self.insecure = own.insecure
        self.transport = transport
        self._url = own.url
        self._backend_url = own.backend_url
        self._authority = authority
        self._base: URL | None = None
        self._flights = flights

    async def base(self) -> URL:
        """Return the API's address, without a path.

        Raises:
            RegistryError: It can't be found out, or the host is none.
        """
        if self._base is None:
            self._base = await self._flights.run(self, self._probe)
        return self._base

    async def backend_base(self) -> URL:
        """Return the API's address as backends see it, without a path.

        Raises:
            RegistryError: As `base`.
        """
        return URL(self._backend_url) if self._backend_url else await self.base()

    async def send(
        self,
        method: str,
        path: str,
        *,
        step: str,
        headers: Mapping[str, str] | None = None,
        grant: Grant | None = None,
        limit: int = LARGEST_BODY,
        file: BlobFile | None = None,
    ) -> Answer:
        """Send one request; see `Transport.send`.

        Args:
            method: ``GET``, ``HEAD``.
            path: Absolute, percent-encoded.
            step: See `RegistryError`.
            headers: Further headers.
            grant: What is sent as ``Authorization``.
            limit: Bytes of the body that are read.
            file: Where the body goes, if that is not to be read.
        """
        url = (await self.base()).join(URL(path, encoded=True))
        return await self.transport.send(
            Call(
                method=method,
                url=url,
                headers=headers or {},
                grant=grant,
                limit=limit,
                registry=self.name,
                step=step,
                file=file,
            )
        )

    async def _probe(self) -> URL:
        if self._url:
            return URL(self._url)
        secure = self._make_base("https")
        if not (self.insecure or is_loopback(secure.host)):
            return secure
        if await self.transport.reaches(self._make_ping(secure), HANDSHAKE_LIMIT):
            return secure
        plain = self._make_base("http")
        await self.transport.send(self._make_ping(plain))
        return plain

    def _make_base(self, scheme: str) -> URL:
        try:
            base = URL(f"{scheme}://{self._authority}", encoded=True)
            if base.host and base.port and base.user is None and base.raw_authority == self._authority:
                return base
        except ValueError:
            pass
        raise RegistryError(f"{self.name[:100]!r} is no host", registry=self.name, step="connect")

    def _make_ping(self, base: URL) -> Call:
        return Call(url=base.join(URL(_PING)), limit=LARGEST_BODY, registry=self.name, step="connect")
