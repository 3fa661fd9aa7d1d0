"""The scanner: the steps of one scan, and the health check."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus

from portus_scanners import Health, Image, Scanner, ScannerContext, ScannerReport
from portus_scanners.backends import HttpBackend, ProgramWorkspace

from .access import open_registry
from .database import DatabaseKeeper, check_age
from .layout import open_layout
from .program import Trivy
from .ratings import read_moment
from .refusals import AccessRefusedError, NotPulledError
from .report import Circumstances, make_report
from .settings import TrivySettings
from .wire import Report, Versions, read_report, read_versions

_LARGE = 1024 * 1024
"""Bytes; a larger report is read in a thread, so that the event loop is not blocked."""
_TRIES = 3
"""How often a scan whose token expires is started: pulled layers are in the cache, so each try gets further."""
_SCHEMA = 2
"""The schema of the database that this plugin knows."""
_HEALTH_TIMEOUT = 5.0
"""Seconds for a server's answer to a health check."""


class TrivyScanner(Scanner[TrivySettings], contract=1):
    """Scans images with a `trivy` on this machine, alone or as the client of a Trivy server.

    Trivy pulls the image by itself, as the engine resolved it: by its digest, with the engine's credentials.
    """

    def __init__(self, settings: TrivySettings, context: ScannerContext) -> None:
        super().__init__(settings, context)
        self._trivy = Trivy(self.context, settings)
        self._database = DatabaseKeeper(updates=settings.updates)

    async def scan(self, image: Image) -> ScannerReport:
        """Return what Trivy finds in one image.

        Raises:
            UnsupportedImageError: Trivy can't read such an image, or recognised nothing in it.
            ScannerUnavailableError: Trivy is not installed, or a server or registry it needs can't be reached.
            InvalidReportError: Trivy's report is not valid, or about another image.
            ScannerError: Trivy failed: no database, rejected credentials, a full disk; the message says what to do.
        """
        await self._database.update(self._trivy)
        async with self._trivy.backend.open_workspace() as workspace:
            body, warnings = await self._run(workspace, image)
        report = await _off_the_loop(body)
        versions = await self._versions(report)
        now = datetime.now(UTC)
        check_age(versions, self.settings, now)
        return make_report(report, image, Circumstances(versions=versions, warnings=warnings, now=now))

    async def check_health(self) -> Health:
        """Return whether the program runs and has a database, or the server answers."""
        if self.settings.server:
            return await _check_server(self.context, self._trivy, self.settings)
        return await _check_program(self._trivy, self.settings)

    async def _run(self, workspace: ProgramWorkspace, image: Image) -> tuple[bytes, tuple[str, ...]]:
        if image.local is None:
            try:
                return await self._pull(workspace, image)
            except NotPulledError as error:
                self.context.logger.info("%s: the image is pulled for Trivy: %s", image.reference, error)
        return await self._trivy.scan(workspace, await open_layout(self.context, workspace, image))

    async def _pull(self, workspace: ProgramWorkspace, image: Image) -> tuple[bytes, tuple[str, ...]]:
        """Let Trivy pull the image, and again with a new token if the first one has expired meanwhile."""
        tries = 1
        while True:
            source = await open_registry(self.context, workspace, image, renew=tries > 1)
            try:
                return await self._trivy.scan(workspace, source)
            except AccessRefusedError:
                if tries == _TRIES or not source.has_token:
                    raise
            tries += 1

    async def _versions(self, report: Report) -> Versions:
        """Return the versions that a report was made with; a report names a server's database itself."""
        if self.settings.server:
            return Versions(Version=report.Trivy.Version, VulnerabilityDB=report.Trivy.Server.VulnerabilityDB)
        return await self._database.read_versions(self._trivy)


async def _off_the_loop(body: bytes) -> Report:
    return read_report(body) if len(body) < _LARGE else await asyncio.to_thread(read_report, body)


async def _check_program(trivy: Trivy, settings: TrivySettings) -> Health:
    """Return whether the program runs and has, or may download, a database.

    Raises:
        ScannerError: The program is not installed, or failed.
    """
    versions = await trivy.read_versions()
    if versions.VulnerabilityDB is None and not settings.updates:
        message = f"Trivy {versions.Version}: there is no vulnerability database in {settings.cache_folder}"
        return Health(healthy=False, message=f"{message}; trivy image --download-db-only gets one")
    if versions.VulnerabilityDB is not None and versions.VulnerabilityDB.Version not in {None, _SCHEMA}:
        message = f"{_describe(versions)} in {settings.cache_folder}, of schema {versions.VulnerabilityDB.Version}"
        return Health(healthy=False, message=f"{message}; this plugin knows {_SCHEMA}: trivy image --download-db-only")
    return Health(healthy=True, message=_describe(versions))


async def _check_server(context: ScannerContext, trivy: Trivy, settings: TrivySettings) -> Health:
    """Return whether the server answers, and its client, the program, runs; the token is not tried.

    Raises:
        ScannerError: The server does not answer, or the program does not run.
    """
    client = await trivy.read_versions()
    answer = await HttpBackend(context, settings.server).request("GET", "/version", timeout=_HEALTH_TIMEOUT)
    if answer.status != HTTPStatus.OK:
        return Health(healthy=False, message=f"GET /version of the server answered HTTP {answer.status}")
    server = read_versions(answer.body)
    return Health(healthy=True, message=f"server: {_describe(server)}; client: Trivy {client.Version}")


def _describe(versions: Versions) -> str:
    database = versions.VulnerabilityDB
    updated = read_moment(database.UpdatedAt) if database else None
    age = f"vulnerability database of {updated:%Y-%m-%d}" if updated else "no vulnerability database yet"
    return f"Trivy {versions.Version}, {age}"
