"""Running Grype: the options and the environment of each run, and how its end is read."""

from __future__ import annotations

import math
from contextlib import suppress

from attrs import frozen
from portus_scanners import ScannerContext, ScannerError, Secret
from portus_scanners.backends import ProgramAnswer, ProgramBackend, ProgramWorkspace

from .log import GrypeLog
from .refusals import make_error
from .settings import GrypeSettings
from .wire import DatabaseStatus, read_status

REPORT, PACKAGES = "report.json", "packages.json"
_CONFIG = "grype.yaml"
"""An empty configuration: without one Grype would read those of the machine, whose rules hide findings."""
MAX_REPORT = 256 * 1024 * 1024
"""Bytes of a report, and of a list of packages, that are accepted."""


@frozen
class GrypeRun:
    """What a scan gave.

    Attributes:
        report: The report, as JSON.
        packages: What Grype has seen in the image, as CycloneDX: its report does not list that.
        log: What Grype said while it scanned.
    """

    report: bytes
    packages: bytes
    log: GrypeLog


class Grype:
    """The program ``grype``.

    Args:
        context: The scanner's context.
        settings: The scanner's settings.
    """

    def __init__(self, context: ScannerContext, settings: GrypeSettings) -> None:
        self._context = context
        self._settings = settings
        # an environment, since a version that does not know a variable ignores it
        environment: dict[str, str | Secret] = {
            "GRYPE_CHECK_FOR_APP_UPDATE": "false",
            "GRYPE_DB_AUTO_UPDATE": "false",  # `update` does that, once for all images
            "GRYPE_DB_CACHE_DIR": str(settings.cache_folder),
            "GRYPE_DB_VALIDATE_AGE": "true",
            "GRYPE_DB_MAX_ALLOWED_BUILT_AGE": f"{math.ceil(settings.oldest_database.total_seconds())}s",
            "GRYPE_DB_UPDATE_DOWNLOAD_TIMEOUT": f"{math.ceil(settings.timeout)}s",  # sooner, the engine's ends it
            "NO_COLOR": "true",
        }
        if settings.database_url:
            environment["GRYPE_DB_UPDATE_URL"] = settings.database_url
        if settings.ca_file:
            environment |= {"GRYPE_DB_CA_CERT": settings.ca_file, "SSL_CERT_FILE": settings.ca_file}
        self.backend = ProgramBackend(context, settings.program, environment=environment)

    async def scan(self, workspace: ProgramWorkspace, image: str) -> GrypeRun:
        """Scan an image.

        Args:
            workspace: Has the image's files; gets the report.
            image: The image, as Grype's argument.

        Raises:
            ScannerError: Grype failed; see `make_error`.
            InvalidReportError: Grype wrote no report, or one that is too long.
        """
        with suppress(OSError):
            for name in (REPORT, PACKAGES):
                (workspace.folder / name).unlink()
        log = await self._run(workspace, image, "-vvv", "-o", f"json={REPORT}", "-o", f"cyclonedx-json={PACKAGES}")
        return GrypeRun(workspace.read(REPORT, MAX_REPORT), workspace.read(PACKAGES, MAX_REPORT), log)

    async def update(self) -> None:
        """Download the vulnerability database, if there is a newer one.

        Raises:
            ScannerError: The download failed; see `make_error`.
        """
        async with self.backend.open_workspace() as workspace:
            await self._run(workspace, "db", "update", "-v")

    async def read_status(self) -> DatabaseStatus:
        """Return the state of the database in the cache; whether it is valid, it says itself.

        Raises:
            ScannerError: The program failed.
            InvalidReportError: The output is not the state of a database.
        """
        async with self.backend.open_workspace() as workspace:
            answer = await self._start(workspace, None, "db", "status", "-o", "json")
        try:
            return read_status(answer.stdout)  # it has exit status 1 for one that is not valid
        except ScannerError:
            if answer.status != 0:
                raise make_error(answer.excerpt, answer.ending, self._settings) from None
            raise

    async def _run(self, workspace: ProgramWorkspace, *arguments: str) -> GrypeLog:
        log = GrypeLog(self._context)
        answer = await self._start(workspace, log, *arguments)
        if answer.status != 0:
            raise make_error(log.error or answer.excerpt, answer.ending, self._settings)
        return log

    async def _start(self, workspace: ProgramWorkspace, log: GrypeLog | None, *arguments: str) -> ProgramAnswer:
        config = workspace.write(_CONFIG, "{}\n")
        return await workspace.run(*arguments, environment={"GRYPE_CONFIG": str(config)}, on_line=log)
