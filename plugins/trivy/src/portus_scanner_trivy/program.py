"""Running Trivy: the options and the environment of each run, and how its end is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress

from attrs import frozen
from portus_scanners import ScannerContext, ScannerError, Secret
from portus_scanners.backends import ProgramAnswer, ProgramBackend, ProgramWorkspace

from .log import ScanLog
from .refusals import make_error
from .settings import TrivySettings
from .wire import Versions, read_versions

REPORT = "report.json"
_DOCKER_FOLDER = "docker"
"""The folder in the workspace that ``DOCKER_CONFIG`` names: an empty one, so that Trivy finds no credentials."""
MAX_REPORT = 256 * 1024 * 1024
"""Bytes of a report that are accepted."""
_LATER = 30
"""Seconds by which Trivy's own time limit exceeds the engine's."""
_COLLECTOR = {"GOGC": "400", "GOMEMLIMIT": "512MiB"}
"""Go collects garbage less often, up to that much memory: 20 % less CPU for a small image and for 40,000 findings, with
a lower peak for the latter; the same for an image of large files, with 0.2 GB more."""


@frozen
class TrivyRun:
    """What a scan gave."""

    report: bytes
    """The report, as JSON."""
    log: ScanLog
    """What Trivy said while it scanned."""


class Trivy:
    """The program ``trivy``.

    Args:
        context: The scanner's context.
        settings: The scanner's settings.
    """

    def __init__(self, context: ScannerContext, settings: TrivySettings) -> None:
        self._context = context
        self._settings = settings
        # options that an earlier version does not have are in the environment, where it ignores them
        environment: dict[str, str | Secret] = {"TRIVY_DISABLE_TELEMETRY": "true", "TRIVY_SKIP_VERSION_CHECK": "true"}
        environment |= _COLLECTOR
        if settings.token:
            environment["TRIVY_TOKEN"] = settings.token
        if settings.ca_file:
            environment["SSL_CERT_FILE"] = settings.ca_file
        self.backend = ProgramBackend(context, settings.program, environment=environment)

    async def scan(self, workspace: ProgramWorkspace, *arguments: str) -> TrivyRun:
        """Scan an image.

        Args:
            workspace: Has the image's files; gets the report.
            *arguments: Which image, and what of it Trivy may keep.

        Raises:
            ScannerError: Trivy failed; see `make_error`.
            InvalidReportError: Trivy wrote no report, or one that is too long.
        """
        with suppress(OSError):  # of an earlier scan
            (workspace.folder / REPORT).unlink()
        log = await self._run(workspace, "image", *_scan_options(self._settings), *arguments)
        return TrivyRun(workspace.read(REPORT, MAX_REPORT), log)

    async def update(self) -> None:
        """Download the vulnerability database, if there is a newer one.

        Raises:
            ScannerError: The download failed; see `make_error`.
        """
        repository = self._settings.database_repository
        options = ("--db-repository", repository) if repository else ()
        async with self.backend.open_workspace() as workspace:
            await self._run(workspace, "image", "--download-db-only", *_common_options(self._settings), *options)

    async def read_versions(self) -> Versions:
        """Return the versions of the program and of the database in the cache.

        Raises:
            ScannerError: The program failed.
            InvalidReportError: The output is not a list of versions.
        """
        arguments = ("version", "--format", "json", "--cache-dir", self._settings.cache_folder)
        answer = await self.backend.run(*arguments)
        if answer.status != 0:
            raise self._error(answer, "")
        return read_versions(answer.stdout)

    async def _run(self, workspace: ProgramWorkspace, *arguments: str) -> ScanLog:
        """Run the program, which finds only the credentials in the workspace."""
        log = ScanLog(self._context)
        docker = {"DOCKER_CONFIG": str(workspace.folder / _DOCKER_FOLDER)}
        answer = await workspace.run(*arguments, environment=docker, on_line=log)
        if answer.status != 0:
            raise self._error(answer, log.fatal or " ".join(log.unseen))
        return log

    def _error(self, answer: ProgramAnswer, said: str) -> ScannerError:
        return make_error(said or answer.excerpt, answer.ending, self._settings)


def _scan_options(settings: TrivySettings) -> Iterator[str]:
    yield from ("--format", "json", "--output", REPORT, "--scanners", "vuln", "--list-all-pkgs")
    yield from _common_options(settings)
    if settings.server:
        yield from ("--server", settings.server)
    else:
        yield "--skip-db-update"  # `Trivy.update` does that, once for all images
    if settings.skip_update or settings.offline:
        yield "--skip-java-db-update"
    if settings.offline:
        yield "--offline-scan"
    yield from settings.arguments


def _common_options(settings: TrivySettings) -> Iterator[str]:
    yield from ("--no-progress", "--cache-dir", str(settings.cache_folder))
    yield from ("--timeout", f"{math.ceil(settings.timeout) + _LATER}s")
    if settings.insecure:
        yield "--insecure"
