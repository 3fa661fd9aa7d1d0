"""The vulnerability database on this machine: when it is updated, its version, its age."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from portus_scanners import ScannerError

from .program import Trivy
from .ratings import read_moment
from .settings import TrivySettings
from .wire import Versions

UPDATE_INTERVAL = 3600.0
"""Seconds between two checks for a newer database; one is published every six hours."""
FAILURE_LIFETIME = 60.0
"""Seconds for which a failed download is remembered, so that the images that wait do not each try again."""
VERSIONS_LIFETIME = 300.0
"""Seconds for which the versions are remembered."""


class DatabaseKeeper:
    """Keeps the database up to date for all scans: one scan updates it, the others wait for that.

    Args:
        updates: Whether there is a database on this machine to keep up to date.
        clock: Returns monotonic seconds.
    """

    def __init__(self, *, updates: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._updates = updates
        self._clock = clock
        self._lock = asyncio.Lock()
        self._updated: float | None = None
        self._versions: tuple[float, Versions] | None = None
        self._failure: tuple[float, ScannerError] | None = None

    async def update(self, trivy: Trivy) -> None:
        """Update the database if it has not been checked for an hour.

        Raises:
            ScannerError: No database could be downloaded.
        """
        if not self._updates:
            return
        async with self._lock:
            if self._updated is None or self._clock() - self._updated > UPDATE_INTERVAL:
                self._raise_failure()
                try:
                    await trivy.update()
                except ScannerError as error:
                    self._failure = self._clock(), error
                    raise
                self._updated, self._versions = self._clock(), None

    async def read_versions(self, trivy: Trivy) -> Versions:
        """Return the versions of the program and the database.

        Raises:
            ScannerError: The program failed.
        """
        async with self._lock:
            if self._versions is None or self._clock() - self._versions[0] > VERSIONS_LIFETIME:
                self._versions = self._clock(), await trivy.read_versions()
            return self._versions[1]

    def _raise_failure(self) -> None:
        if self._failure is not None and self._clock() - self._failure[0] < FAILURE_LIFETIME:
            raise type(self._failure[1])(str(self._failure[1]))


def check_age(versions: Versions, settings: TrivySettings, now: datetime) -> None:
    """Raise an error if the database is older than the settings allow.

    Raises:
        ScannerError: It is older than that.
    """
    database = versions.VulnerabilityDB
    updated = read_moment(database.UpdatedAt) if database else None
    limit = timedelta(days=settings.max_database_age)
    if updated is None or not limit or now - updated <= limit:
        return
    where = "the server" if settings.server else f"trivy image --download-db-only --cache-dir {settings.cache_folder}"
    raise ScannerError(
        f"the vulnerability database is of {updated:%Y-%m-%d}, older than max_database_age "
        f"({settings.max_database_age:g} days): {where} gets a newer one"
    )
