"""Answers Harbor: what this scanner is, that a scan was taken, how far it is. Nothing is asked of others meanwhile.

Harbor has five seconds for an answer and its body, and gives a scan up at the first one that it does not expect. So a
scan is a row, and 202; a poll reads a row, and a database that can't be asked is 302, which says "come again".
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from uuid import uuid4

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import __version__
from ..access import public
from ..api import ERRORS, RequestError
from ..chores import doing_again_and_again
from ..settings import is_same_secret
from ..store import Store, StoreUnavailableError, tables
from . import harbor_documents as documents
from .harbor_scans import DONE, FAILED, count_open, find_scan, put_scan, tidy
from .harbor_settings import HarborAccess, HarborRegistration, HarborSeat
from .sealing import Sealer

logger = logging.getLogger("portus_scan_server.harbor")

HARBOR_PREFIX = "/harbor"
_UID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_MOST_OPEN = 20_000
_PATIENCE = 3.0
"""Seconds that the database has, and a body."""
_COME_AGAIN, _COME_LATER = 3, 10
"""Seconds until the next poll; Harbor reads 1 to 127."""
_TIDY = 60.0


class HarborApi:
    """What each address is answered with; *scanners* are those that are enabled."""

    def __init__(self, store: Store, settings: HarborSeat, scanners: tuple[str, ...]) -> None:
        self._store = store
        self._settings = settings
        self._sealer = Sealer(settings.key)
        self._dates: dict[str, datetime | None] = dict.fromkeys(scanners)

    @public
    async def metadata(self, request: web.Request) -> web.Response:
        """Say what this scanner is, with the dates that were known last."""
        self._admit(request)
        try:
            async with self._soon(self._store.reading()) as db:
                of_scanners = tables.scanners.c.name, tables.scanners.c.database_updated
                known = {row.name: row.database_updated for row in await db.execute(select(*of_scanners))}
                self._dates = {name: known.get(name) for name in self._dates}
        except StoreUnavailableError as error:
            logger.warning("dates of data are told as they were: %s", error)
        said = documents.write_metadata(__version__, self._dates)
        return _json(said, documents.answer_type("metadata", request.headers.get("Accept", "")))

    @public
    async def scan(self, request: web.Request) -> web.Response:
        """Take a scan."""
        name, registration = self._admit(request)
        documents.check_request_type(request.headers.get("Content-Type", ""))
        try:
            async with asyncio.timeout(_PATIENCE):
                body = await request.read()
        except TimeoutError:
            raise RequestError(408, "the body did not come in time") from None
        asked, uid = documents.read_scan_request(body, registration.host, registration.urls), str(uuid4())
        sealed = self._sealer.seal(uid, asked.authorization)
        async with self._soon(self._store.writing()) as db:
            if await count_open(db) >= _MOST_OPEN:
                raise RequestError(503, f"{_MOST_OPEN} scans wait already")
            await put_scan(db, uid, name, asked, sealed, self._settings.timeout)
        kind = documents.answer_type("scan.response", request.headers.get("Accept", ""))
        return _json({"id": uid}, kind, status=202)

    @public
    async def report(self, request: web.Request) -> web.Response:
        """Answer a poll: the report, why there is none, or when to come again."""
        name, _ = self._admit(request)
        documents.check_report_type(request.headers.get("Accept", ""))
        if not re.fullmatch(_UID, uid := request.match_info["id"]):
            raise RequestError(404, "there is no such scan")
        try:
            async with self._soon(self._store.reading()) as db:
                scan = await find_scan(db, name, uid)
        except StoreUnavailableError as error:
            logger.warning("a poll is told to come again: %s", error)
            return _later(request, _COME_LATER)
        if scan is None:
            raise RequestError(404, "there is no such scan, or no longer")
        if scan.state == FAILED:
            raise RequestError(500, scan.error)
        if scan.state != DONE and scan.is_over:
            raise RequestError(500, f"it was not done within {self._settings.timeout:g} s")
        if scan.state != DONE:
            return _later(request, _COME_AGAIN)
        headers = {"Content-Type": documents.REPORT}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=scan.report, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=await asyncio.to_thread(gzip.decompress, scan.report), headers=headers)

    async def running(self, _application: web.Application) -> AsyncIterator[None]:
        """Erase and forget what is not needed as long as an application runs."""

        async def clean() -> None:
            async with self._store.writing() as db:
                await tidy(db)

        async with doing_again_and_again([(clean, _TIDY, None)], logger):
            yield

    def _admit(self, request: web.Request) -> tuple[str, HarborRegistration]:
        """Return who asks.

        Raises:
            RequestError: Nobody knows.
        """
        name = request.match_info["registration"]
        registration = self._settings.registrations.get(name)
        if registration is None or not _is_from(registration, request.headers):
            raise RequestError(401, "this is not how the registration (harbor:) says that Harbor asks")
        return name, registration

    @asynccontextmanager
    async def _soon(self, begun: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(_PATIENCE), begun as db:
                yield db
        except TimeoutError:
            raise StoreUnavailableError(f"the database does not answer within {_PATIENCE:g} s") from None


def make_harbor_api(store: Store, settings: HarborSeat, scanners: tuple[str, ...]) -> web.Application:
    """Return the application, for `HARBOR_PREFIX`; see `HarborApi`."""
    application = web.Application()
    application[ERRORS] = _error
    api = HarborApi(store, settings, scanners)
    base = "/{registration}/api/v1"
    application.router.add_get(f"{base}/metadata", api.metadata)
    application.router.add_post(f"{base}/scan", api.scan)
    application.router.add_get(f"{base}/scan/{{id}}/report", api.report)
    application.cleanup_ctx.append(api.running)
    return application


def _is_from(registration: HarborRegistration, headers: Mapping[str, str]) -> bool:
    secret, access = registration.token.reveal(), registration.access
    if access is HarborAccess.NONE:
        return True
    if access is HarborAccess.API_KEY:
        return is_same_secret(headers.get("X-ScannerAdapter-API-Key", ""), secret)
    basic = access is HarborAccess.BASIC
    expected = f"Basic {base64.b64encode(secret.encode()).decode()}" if basic else f"Bearer {secret}"
    return is_same_secret(headers.get("Authorization", ""), expected)


def _json(document: documents.Document, kind: str, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(document).encode(), status=status, headers={"Content-Type": kind})


def _error(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    answer = _json(documents.write_error(detail or f"HTTP {status}"), documents.ERROR, status)
    answer.headers.update(headers or {})
    return answer


def _later(request: web.Request, seconds: int) -> web.Response:
    return web.Response(status=302, headers={"Refresh-After": f"{seconds}", "Location": request.rel_url.raw_path})
