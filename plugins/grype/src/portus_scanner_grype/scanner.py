"""The scanner: the steps of one scan, and the health check."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from portus_scanners import Database, Health, Image, Scanner, ScannerContext, ScannerError, ScannerReport
from portus_scanners.backends import ImageLayout

from .database import DatabaseUpdates, check_age
from .program import Grype, GrypeRun
from .report import ScanEvidence, make_report
from .settings import GrypeSettings
from .wire import read_report, read_sbom

_LARGE = 32 * 1024
"""Bytes; a larger report is read in a thread, so that the event loop is not blocked."""


class GrypeScanner(Scanner[GrypeSettings], contract=1):
    """Scans images with a `grype` on this machine.

    Grype gets an image as the engine resolved it, in a folder: its layers come by the engine's own way, verified.
    """

    def __init__(self, settings: GrypeSettings, context: ScannerContext) -> None:
        super().__init__(settings, context)
        self._grype = Grype(self.context, settings)
        self._database = DatabaseUpdates(self._grype, settings)

    async def scan(self, image: Image) -> ScannerReport:
        """Return what Grype finds in one image.

        Raises:
            UnsupportedImageError: Grype can't read such an image, saw nothing in it, or has no data for it.
            ScannerUnavailableError: Grype is not installed, or a server that is needed can't be reached.
            InvalidReportError: Grype's report is not valid, or about another image.
            ScannerError: The database is too old, or Grype failed: no database, a full disk; the message says what to
                do.
        """
        await self._database.update()
        async with self._grype.backend.open_workspace() as workspace:
            layout = await ImageLayout.open(self.context, workspace, image)
            await layout.place()
            run = await self._grype.scan(workspace, f"oci-dir:{layout.name}")
        if len(run.report) + len(run.packages) < _LARGE:
            return self._read(run, image, layout.manifest_digest)
        return await asyncio.to_thread(self._read, run, image, layout.manifest_digest)

    def _read(self, run: GrypeRun, image: Image, manifest: str) -> ScannerReport:
        grype, packages = read_report(run.report), read_sbom(run.packages)
        check_age(grype.descriptor.database, self.settings, datetime.now(UTC))
        log = run.log
        evidence = ScanEvidence(packages=packages, has_no_data=log.has_no_data, unseen=log.unseen, manifest=manifest)
        return make_report(grype, image, evidence)

    async def database(self) -> Database | None:
        """Return schema and date of the database in the cache; None where there is none."""
        return (await self._grype.read_status()).identity

    async def check_health(self) -> Health:
        """Return whether the program runs and has, or may download, a database that is not too old."""
        database = await self._grype.read_status()
        folder = self.settings.cache_folder
        if database.built_at is None:
            message = f"there is no vulnerability database in {folder}: {database.fault or 'grype db update gets one'}"
            return Health(healthy=not self.settings.skip_update, message=message)
        message = f"vulnerability database of {database.built_at:%Y-%m-%d}, schema {database.schema}, in {folder}"
        try:
            if self.settings.skip_update:
                check_age(database, self.settings, datetime.now(UTC))
        except ScannerError as error:
            return Health(healthy=False, message=f"{message}: {error}")
        healthy = not (database.fault and self.settings.skip_update)
        return Health(healthy=healthy, message=": ".join(filter(None, (message, database.fault))))
