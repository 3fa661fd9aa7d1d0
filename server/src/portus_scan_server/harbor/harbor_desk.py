"""What becomes of scans that Harbor has asked for: in the runner's process, where large reports keep nobody waiting.

Each is first tried at the registry with its own credentials, a HEAD, which shows that Harbor may know of the image.
Then it is asked for; when that has ended, the report is made, once, and kept as bytes: a poll has five seconds.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Collection
from functools import partial
from typing import Any

from portus_images import PortusError, Reference
from portus_scanners import Outcome
from sqlalchemy import Row

from .. import __version__
from ..access import Role, Viewer
from ..store import Store, StoreUnavailableError
from ..summaries import Rules
from ..views import ImageName, ReadReport, Reports, make_document, read_report, see_image
from .harbor_documents import find_fault, write_report
from .harbor_registry import HarborRegistry
from .harbor_scans import ask_for, end_scan, load_new, load_ready
from .harbor_settings import HarborSeat

logger = logging.getLogger("portus_scan_server.harbor")

_AT_ONCE = 16
_PATIENCE = 60.0
"""Seconds in which the registry has to say whether it has an image."""


class HarborDesk:
    """Tries, asks for, and ends scans of Harbor's; *address* is that of the database."""

    def __init__(
        self, store: Store, registry: HarborRegistry, settings: HarborSeat, rules: Rules, address: str
    ) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._rules = rules
        self._reports = Reports(address, rules)

    async def try_new(self) -> None:
        """Try the credentials of new scans, and ask for what they may pull.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        async with self._store.reading() as db:
            new = await load_new(db)
        limit = asyncio.Semaphore(_AT_ONCE)
        tried = await asyncio.gather(*(self._try(scan, limit) for scan in new), return_exceptions=True)
        for error in filter(None, tried):
            raise error

    async def _try(self, scan: Row[Any], limit: asyncio.Semaphore) -> None:
        registration, fault = self._settings.registrations.get(scan.registration), ""
        host = registration.host if registration is not None else "any"
        try:
            async with limit, asyncio.timeout(_PATIENCE), self._registry.open_for(scan) as registry:
                await registry.locate(Reference.parse(f"{host}/{scan.repository}@{scan.digest}"))
        except TimeoutError:
            fault = f"{host} does not say within {_PATIENCE:g} s whether it has the image"
        except PortusError as error:
            fault = str(error)
        async with self._store.writing() as db:
            await (end_scan(db, scan.uid, error=fault) if fault else ask_for(db, scan, host))

    async def end_some(self) -> None:
        """End scans whose requests have ended, and those whose time is over.

        Raises:
            StoreUnavailableError: The database can't be used.
        """
        async with self._store.reading() as db:
            ready = await load_ready(db)
        for scan in ready:
            fault, report = _fault_of(scan, self._settings.timeout), None
            if not fault:
                try:
                    fault, report = await self._make(scan)
                except StoreUnavailableError:
                    raise
                except Exception as error:  # one that can't be made must not keep those behind it waiting
                    logger.exception("no report is made for Harbor")
                    fault = str(error) if isinstance(error, PortusError) else "a fault of this program: see its log"
            async with self._store.writing() as db:
                await end_scan(db, scan.uid, error=fault, report=report)

    async def _make(self, scan: Row[Any]) -> tuple[str, bytes | None]:
        """Return why there is no report, or the report, compressed."""
        if (registration := self._settings.registrations.get(scan.registration)) is None:
            return "the configuration no longer has its registration", None
        host = registration.host
        viewer = Viewer(name=scan.registration, roles={f"{host}/{scan.repository}": Role.VIEWER}, may_write=False)
        name = ImageName(host=host, repository=scan.repository, tag="")
        async with self._store.reading() as db:
            image = await see_image(db, viewer, scan.digest)
            if image is None:
                return "it was not scanned", None
            plan = await self._reports.plan(db, viewer, image, name)
            stored = await read_report(db, plan.order)
        gate = self._rules.policy.gate
        allowed = gate.allowed if gate is not None else frozenset[Outcome]()
        return await asyncio.to_thread(partial(_render, stored, json.loads(scan.artifact), allowed))


def _fault_of(scan: Row[Any], timeout: float) -> str:
    """Return why a scan has failed whatever was found; empty where it may not have."""
    if scan.request_state == "done":
        return ""
    if scan.is_over:
        return f"it was not done within {timeout:g} s; {scan.request_error or 'it waits for its turn'}"
    return scan.request_error or "nobody knows what has become of it: ask again"


def _render(stored: ReadReport, artifact: dict[str, str], allowed: Collection[Outcome]) -> tuple[str, bytes | None]:
    document = make_document(stored)
    if fault := find_fault(stored, document, allowed):
        return fault, None
    used = [one.last for one in stored.images[0][1].values() if one.last is not None]
    names = [f"{one.run.scanner} {one.made_with.scanner_version}".strip() for one in used]
    report = write_report(document, artifact, __version__, stored.now, names)
    return "", gzip.compress(json.dumps(report).encode("ascii"), compresslevel=6, mtime=0)
