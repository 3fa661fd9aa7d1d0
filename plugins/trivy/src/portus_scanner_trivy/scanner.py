"""The scanner: the steps of one scan, and the health check."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

from portus_scanners import (
    Database as ScannerDatabase,
    Health,
    Image,
    InvalidReportError,
    Scanner,
    ScannerContext,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
)
from portus_scanners.backends import HttpBackend

from .database import SCHEMA, DatabaseKeeper, check_age, identify
from .layer_reader import LayerReader
from .layout import open_layout
from .program import Trivy
from .ratings import read_moment
from .report import Circumstances, make_report
from .settings import TrivySettings
from .wire import Database, Report, Versions, read_report, read_versions

ResultT = TypeVar("ResultT")

_LARGE = 64 * 1024
"""Bytes; a larger report is read, and made findings of, in a thread, so that the event loop goes on."""
_HEALTH_TIMEOUT = 5.0
"""Seconds for a server's answer to a health check."""


class TrivyScanner(Scanner[TrivySettings], contract=1):
    """Scans images with a `trivy` on this machine, alone or as the client of a Trivy server.

    Trivy gets an image as the engine resolved it, in a folder: its layers come by the engine's own way, verified, and
    only those that Trivy has not read before.
    """

    def __init__(self, settings: TrivySettings, context: ScannerContext) -> None:
        super().__init__(settings, context)
        self._trivy = Trivy(self.context, settings)
        self._layers = LayerReader(self.context, self._trivy, settings)
        self._database = DatabaseKeeper(settings, self._ask_versions)

    async def scan(self, image: Image) -> ScannerReport:
        """Return what Trivy finds in one image.

        Raises:
            UnsupportedImageError: Trivy can't read such an image, recognised nothing in it, or has no advisories
                for any of it.
            ScannerUnavailableError: Trivy is not installed, or a server or registry that is needed can't be reached.
            InvalidReportError: Trivy's report is not valid, or about another image.
            ScannerError: The image's configuration claims what its layers are not, the database is too old, or Trivy
                failed: no database, a full disk; the message says what to do.
        """
        await self._database.update(self._trivy)
        database, buckets = await self._database.read_metadata(), await self._database.read_buckets()
        async with self._trivy.backend.open_workspace() as workspace:
            layout = await open_layout(self.context, workspace, image)
            run = await self._layers.read(workspace, layout)
        after = await self._database.read_buckets()
        report = await _aside(run.report, read_report, run.report)
        versions = await self._database.complete(_versions_of(report, database))
        now = datetime.now(UTC)
        check_age(versions, self.settings, now)
        circumstances = Circumstances(
            versions=versions,
            unseen=run.log.unseen,
            warnings=run.log.warnings,
            now=now,
            buckets=buckets if after is None or buckets is None else buckets & after,
        )
        return await _aside(run.report, make_report, report, image, circumstances)

    async def check_health(self) -> Health:
        """Return whether the program runs and has a database, or the server answers."""
        if self.settings.server:
            return await _check_server(self.context, self._trivy, self.settings)
        return await _check_program(self._trivy, self.settings)

    async def database(self) -> ScannerDatabase | None:
        """Return schema and date of the database in the cache, or of the server's; None where neither says them."""
        found = await self._database.read_metadata()
        if found is None and self.settings.server:
            found = (await self._database.complete(Versions())).VulnerabilityDB
        return identify(found)

    async def _ask_versions(self) -> Versions:
        if not self.settings.server:
            return await self._trivy.read_versions()
        return await _ask_server(self.context, self.settings)


def _versions_of(report: Report, database: Database | None) -> Versions:
    """Return what a report and the cache tell of the versions that a scan had."""
    return Versions(Version=report.Trivy.Version, VulnerabilityDB=report.Trivy.Server.VulnerabilityDB or database)


async def _aside(body: bytes, work: Callable[..., ResultT], *arguments: object) -> ResultT:
    """Return what a pure function returns, which works in a thread where the report is large."""
    return work(*arguments) if len(body) < _LARGE else await asyncio.to_thread(work, *arguments)


async def _check_program(trivy: Trivy, settings: TrivySettings) -> Health:
    """Return whether the program runs and has, or may download, a database.

    Raises:
        ScannerError: The program is not installed, or failed.
    """
    versions = await trivy.read_versions()
    if versions.VulnerabilityDB is None and not settings.updates:
        message = f"Trivy {versions.Version}: there is no vulnerability database in {settings.cache_folder}"
        return Health(healthy=False, message=f"{message}; trivy image --download-db-only gets one")
    if versions.VulnerabilityDB is not None and versions.VulnerabilityDB.Version not in {None, SCHEMA}:
        message = f"{_describe(versions)} in {settings.cache_folder}, of schema {versions.VulnerabilityDB.Version}"
        return Health(healthy=False, message=f"{message}; this plugin knows {SCHEMA}: trivy image --download-db-only")
    return _health_of(versions, settings, _describe(versions))


async def _check_server(context: ScannerContext, trivy: Trivy, settings: TrivySettings) -> Health:
    """Return whether the server answers, and its client, the program, runs; the token is not tried.

    Raises:
        ScannerError: The server does not answer, or the program does not run.
    """
    client = await trivy.read_versions()
    server = await _ask_server(context, settings)
    return _health_of(server, settings, f"server: {_describe(server)}; client: Trivy {client.Version}")


def _health_of(versions: Versions, settings: TrivySettings, message: str) -> Health:
    """Return that all is well, unless each scan would fail since the database is too old, and nobody would renew it."""
    try:
        if not settings.updates:
            check_age(versions, settings, datetime.now(UTC))
    except ScannerError as error:
        return Health(healthy=False, message=f"{message}: {error}")
    return Health(healthy=True, message=message)


async def _ask_server(context: ScannerContext, settings: TrivySettings) -> Versions:
    """Return a server's versions.

    Raises:
        ScannerUnavailableError: The server does not answer, or with something else.
        InvalidReportError: The answer is not a list of versions.
    """
    answer = await HttpBackend(context, settings.server).request("GET", "/version", timeout=_HEALTH_TIMEOUT)
    if answer.status != HTTPStatus.OK:
        raise ScannerUnavailableError(f"GET /version of the server answered HTTP {answer.status}")
    versions = read_versions(answer.body)
    if not versions.Version:
        raise InvalidReportError("GET /version of the server names no version: is `server` the address of Trivy's?")
    return versions


def _describe(versions: Versions) -> str:
    database = versions.VulnerabilityDB
    updated = read_moment(database.UpdatedAt) if database else None
    age = f"vulnerability database of {updated:%Y-%m-%d}" if updated else "no vulnerability database yet"
    return f"Trivy {versions.Version}, {age}"
