"""The vulnerability database: when it is updated, which one a scan uses, how old it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from attrs import evolve
from portus_scanners import Database as ScannerDatabase, InvalidReportError, ScannerError
from portus_scanners.backends import read_file

from .bolt import NotBoltError, read_buckets
from .program import Trivy
from .ratings import read_moment
from .settings import TrivySettings
from .wire import Database, Versions, read_database

SCHEMA = 2
"""The schema of the database that this plugin knows."""
UPDATE_INTERVAL = 3600.0
"""Seconds between two checks for a newer database; one is published every six hours."""
FAILURE_LIFETIME = 60.0
"""Seconds for which a failed download is remembered, so that the images that wait do not each try again."""
VERSIONS_LIFETIME = 300.0
"""Seconds for which the versions are remembered, where a report or the cache does not say them."""
_METADATA = Path("db", "metadata.json")
"""Written by Trivy beside the database. Source: aquasecurity/trivy-db, ``pkg/metadata/metadata.go``."""
_FILE = Path("db", "trivy.db")
_LARGEST_METADATA = 64 * 1024


class DatabaseKeeper:
    """Keeps the database up to date for all scans: one scan updates it, the others wait for that.

    Args:
        settings: The scanner's settings.
        ask_versions: Asks the program, or the server, for its versions.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        settings: TrivySettings,
        ask_versions: Callable[[], Awaitable[Versions]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._ask_versions = ask_versions
        self._clock = clock
        self._lock = asyncio.Lock()
        self._updated: float | None = None
        self._asked: tuple[float, Versions] | None = None
        self._failure: tuple[float, ScannerError] | None = None

    async def update(self, trivy: Trivy) -> None:
        """Update the database if it has not been checked for an hour.

        Raises:
            ScannerError: No database could be downloaded.
        """
        if not self._settings.updates:
            return
        async with self._lock:
            if self._updated is None or self._clock() - self._updated > UPDATE_INTERVAL:
                self._raise_failure()
                try:
                    await trivy.update()
                except ScannerError as error:
                    self._failure = self._clock(), error
                    raise
                self._updated, self._asked = self._clock(), None

    async def read_metadata(self) -> Database | None:
        """Return what the cache says of its database; None if it does not say it, or a server has the database.

        Read it before a scan: another process may replace the database by a newer one, never by an older one.
        """
        if self._settings.server:
            return None
        try:
            body = await read_file(str(self._settings.cache_folder / _METADATA), max_size=_LARGEST_METADATA)
            return read_database(body)
        except (ScannerError, InvalidReportError):  # the scan will say that there is none
            return None

    async def read_buckets(self) -> frozenset[str] | None:
        """Return what the database in the cache has advisories for; None where that is not known.

        Read it before a scan and after it, since another process may replace the database meanwhile.
        """
        if self._settings.server:
            return None
        try:
            return await asyncio.to_thread(read_buckets, self._settings.cache_folder / _FILE)
        except (OSError, NotBoltError):  # the scan will say that it can't be used
            return None

    async def complete(self, versions: Versions) -> Versions:
        """Return the versions that a scan had, asking for those that it did not tell: once for many images.

        Raises:
            ScannerError: The program or the server does not tell them either, since it failed.
        """
        if versions.Version and versions.VulnerabilityDB is not None:
            return versions
        async with self._lock:
            if self._asked is None or self._clock() - self._asked[0] > VERSIONS_LIFETIME:
                self._asked = self._clock(), await self._ask_versions()
            asked = self._asked[1]
        return evolve(
            asked,
            Version=versions.Version or asked.Version,
            VulnerabilityDB=versions.VulnerabilityDB or asked.VulnerabilityDB,
        )

    def _raise_failure(self) -> None:
        if self._failure is not None and self._clock() - self._failure[0] < FAILURE_LIFETIME:
            raise type(self._failure[1])(str(self._failure[1]))


def identify(database: Database | None) -> ScannerDatabase | None:
    """Return schema and date of a database as its identity; None where it has no date: the schema never changes."""
    updated = read_moment(database.UpdatedAt) if database is not None else None
    if database is None or updated is None:
        return None
    schema = "" if database.Version is None else database.Version
    return ScannerDatabase(identity=f"{schema} {database.UpdatedAt}".strip(), updated=updated)


def check_age(versions: Versions, settings: TrivySettings, now: datetime) -> None:
    """Raise an error if the database is older than the settings allow; one whose age is not known counts as older.

    Raises:
        ScannerError: It is, or that can't be told.
    """
    limit = timedelta(days=settings.max_database_age)
    if not limit:
        return
    database = versions.VulnerabilityDB or Database()
    updated = read_moment(database.UpdatedAt)
    where = "the server" if settings.server else f"trivy image --download-db-only --cache-dir {settings.cache_folder}"
    allowed = f"max_database_age ({settings.max_database_age:g} days)"
    if database.Version not in {None, SCHEMA}:
        raise ScannerError(
            f"the vulnerability database is of schema {database.Version}, whose age counts as more than {allowed}: "
            f"{where} gets one of schema {SCHEMA}"
        )
    if updated is None:
        raise ScannerError(
            f"nothing says how old the vulnerability database is, which counts as older than {allowed}: {where} gets a "
            "new one; max_database_age: 0 allows any"
        )
    if now - updated > limit:
        raise ScannerError(
            f"the vulnerability database is of {updated:%Y-%m-%d}, older than {allowed}: {where} gets a newer one"
        )
