"""The scanner: it fetches a report, reads it, and checks that it is about the image."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from attrs import evolve
from portus_scanners import Health, Image, Scanner, ScannerError, ScannerReport, ScannerUnavailableError
from portus_scanners.backends import HttpAnswer, HttpBackend, PathTemplate, read_file, read_json

from .forms import Reading, read_report
from .settings import FAILED, TRUSTED, ReportFileSettings
from .subject import doubts_about

MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a report that are read."""
_CLOCKS_DIFFER = timedelta(days=1)
"""How far in the future the time of a report may lie."""
HEALTH_TIMEOUT = 5.0
"""Seconds for a health check."""


class ReportFileScanner(Scanner[ReportFileSettings], contract=1):
    """Reads reports that were made elsewhere: SARIF 2.1.0, Trivy's JSON, Grype's JSON."""

    async def scan(self, image: Image) -> ScannerReport:
        """Return what the report about the image says.

        Raises:
            UnsupportedImageError: The scanner that made the report could not read the image; or the path needs a name
                that the image does not have.
            ScannerUnavailableError: The server can't be reached, or is out of order.
            InvalidReportError: The report is not of a known form, or is about another image.
            ScannerError: There is no report, or it is stale and the settings reject stale ones.
        """
        path, now = PathTemplate(self.settings.path).fill(image), datetime.now(UTC)
        if self.settings.server:
            answer = await self._fetch(path)
            return await answer.parse(lambda answer: self._judge(read_report(answer.json()), image, now))
        content = await read_file(path, max_size=MAX_SIZE)
        return await asyncio.to_thread(lambda: self._judge(read_report(read_json(content, path)), image, now))

    async def check_health(self) -> Health:
        """Return whether the folder exists; of a server that answers, nobody can tell which reports it has."""
        settings = self.settings
        if settings.server:
            answer = await self._backend().request("GET", "/", timeout=HEALTH_TIMEOUT)
            said = f"{settings.server} answers HTTP {answer.status}"
            if answer.unavailable:
                return Health(healthy=False, message=said)
            return Health(healthy=None, message=f"{said}; whether it has a report is seen when an image is scanned")
        folder = settings.path.partition("{")[0].rpartition("/")[0] or "/"
        there = await asyncio.to_thread(Path(folder).is_dir)
        return Health(healthy=there, message=f"the folder {folder} is {'there' if there else 'not there'}")

    async def _fetch(self, path: str) -> HttpAnswer:
        answer = await self._backend().request("GET", path)
        if answer.status == HTTPStatus.OK:
            return answer
        text = f"{self.settings.server}{path} answered HTTP {answer.status}: {answer.excerpt or 'nothing more'}"
        if answer.unavailable:
            raise ScannerUnavailableError(text)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise ScannerError(f"there is no report at {self.settings.server}{path}")
        raise ScannerError(text)

    def _backend(self) -> HttpBackend:
        return HttpBackend(self.context, self.settings.server, max_body=MAX_SIZE)

    def _judge(self, reading: Reading, image: Image, now: datetime) -> ScannerReport:
        doubts = doubts_about(reading.subjects, image)
        age = self._age(reading, now)
        if age and self.settings.stale == FAILED:
            raise ScannerError(age)
        report = reading.report
        is_ours = not doubts or self.settings.unnamed == TRUSTED
        notes = tuple(note for note in (age, *doubts, *report.notes) if note)
        return evolve(report, notes=notes, complete=report.complete and is_ours and not age)

    def _age(self, reading: Reading, now: datetime) -> str:
        """Return why a report is stale; empty if it is not."""
        days = self.settings.max_age
        if not days:
            return ""
        if reading.made is None:
            return "the report does not say when it was made, and max_age is set"
        if reading.made - now > _CLOCKS_DIFFER:
            return f"the report says that it was made at {reading.made.isoformat()}, which is to come"
        if now - reading.made <= timedelta(days=days):
            return ""
        return f"the report was made at {reading.made.isoformat()}: more than {days:g} days ago"
