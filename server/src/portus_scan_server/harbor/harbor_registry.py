"""The registry of a Harbor, asked with the credentials that came with its request, for what this has named alone.

A client of its own for each request: it has the registration's hosts and no others, neither the service's own
credentials nor those of files, and no proxy. It is closed when the request has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from portus_images import Image, Reference, Registry, RegistrySettings, TagLookup
from sqlalchemy import Row

from ..addresses import may_connect
from ..store import Store, StoreUnavailableError
from .harbor_scans import find_credentials, still_open
from .harbor_settings import HarborSeat
from .sealing import Sealer, read_authorization, unusable

_AGAIN = 2.0


def _only_named(address: str, is_configured: bool) -> bool:
    return is_configured and may_connect(address, is_configured=True)


class HarborRegistry(Registry):
    """A registry client that asks for an image of a Harbor as the open scan of it may, and for others as always.

    Args:
        registries: The section ``registries:``.
        settings: The section ``harbor:``.
        store: The database.

    Raises:
        SettingsError: The library that decrypts is not installed.
    """

    def __init__(self, registries: Mapping[str, RegistrySettings], settings: HarborSeat, store: Store) -> None:
        super().__init__(registries, may_connect=may_connect)
        self._registries, self._scans, self._sealer = registries, store, Sealer(settings.key)
        self._registrations = settings.registrations
        self._names = {one.host: name for name, one in settings.registrations.items()}
        self._clients: dict[str, Registry] = {}
        self._current: dict[tuple[str, str, str | None], str] = {}

    def open_for(self, scan: Row[Any]) -> Registry:
        """Return a client for what a scan asks about alone; the caller closes it.

        Raises:
            RegistryAuthError: The credentials are gone, or can't be read.
        """
        registration = self._registrations.get(scan.registration)
        if registration is None or scan.url not in registration.urls or scan.sealed is None:
            raise unusable("are for a registration that the configuration has no longer, or are erased")
        account = read_authorization(self._sealer.unseal(scan.uid, scan.sealed))
        told = registration.reached_with(self._registries, scan.url, account)
        return Registry(told, environ={}, may_connect=_only_named)

    async def resolve_all(self, reference: Reference) -> tuple[Image, ...]:
        """See `Registry.resolve_all`."""
        await self._begin(reference)
        return await super().resolve_all(reference)

    async def look_up(self, reference: Reference, *which: Any, **how: Any) -> TagLookup:
        """See `Registry.look_up`."""
        await self._begin(reference)
        return await super().look_up(reference, *which, **how)

    async def close_ended(self) -> None:
        """Close the clients of scans that have ended.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        known = list(self._clients)  # of now: what is opened while the database is asked has not ended
        async with self._scans.reading() as db:
            ended = set(known) - await still_open(db, known)
        for uid in ended:
            await self._clients.pop(uid).aclose()
        self._current = {key: uid for key, uid in self._current.items() if uid in self._clients}

    async def aclose(self) -> None:
        """See `Registry.aclose`."""
        for one in self._clients.values():
            await one.aclose()
        await super().aclose()

    async def _begin(self, reference: Reference) -> None:
        """Find out how an image is pulled that is to be scanned: the newest open scan of it says so, if any does."""
        name = self._names.get(reference.registry)
        self._current.pop(_key(reference), None)
        while name is not None:
            try:
                async with self._scans.reading() as db:
                    scan = await find_credentials(db, name, reference.repository, reference.digest or "")
            except StoreUnavailableError:
                await asyncio.sleep(_AGAIN)
                continue
            if scan is not None:
                if scan.uid not in self._clients:
                    self._clients[scan.uid] = self.open_for(scan)
                self._current[_key(reference)] = scan.uid
            return

    def _open(self, reference: Reference) -> Any:  # each question of the base class begins here
        client = self._clients.get(self._current.get(_key(reference), ""))
        return super()._open(reference) if client is None else client._open(reference)


def _key(reference: Reference) -> tuple[str, str, str | None]:
    return reference.registry, reference.repository, reference.digest
