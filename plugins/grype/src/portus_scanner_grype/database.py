"""The vulnerability database: when it is updated, how old it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from portus_scanners import ScannerError

from .program import Grype
from .settings import GrypeSettings
from .wire import DatabaseStatus

UPDATE_INTERVAL = 3600.0
"""Seconds between two checks for a newer database; one is published every day."""
FAILURE_LIFETIME = 60.0
"""Seconds for which a failed download is remembered, so that the images that wait do not each try again."""


class DatabaseUpdates:
    """Keeps the database up to date for all scans: one scan updates it, the others wait for that.

    Args:
        grype: The program.
        settings: The scanner's settings.
        clock: Returns monotonic seconds.
    """

    def __init__(self, grype: Grype, settings: GrypeSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._grype = grype
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._updated: float | None = None
        self._failure: tuple[float, ScannerError] | None = None

    async def update(self) -> None:
        """Update the database if it has not been checked for an hour.

        Raises:
            ScannerError: No database could be downloaded.
        """
        if self._settings.skip_update:
            return
        async with self._lock:
            if self._updated is not None and self._clock() - self._updated <= UPDATE_INTERVAL:
                return
            self._raise_failure()
            try:
                await self._grype.update()
            except ScannerError as error:
                self._failure = self._clock(), error
                raise
            self._updated = self._clock()

    def _raise_failure(self) -> None:
        if self._failure is not None and self._clock() - self._failure[0] < FAILURE_LIFETIME:
            raise type(self._failure[1])(str(self._failure[1]))


def check_age(database: DatabaseStatus, settings: GrypeSettings, now: datetime) -> None:
    """Raise an error if the database is older than the settings allow; one whose age is not known counts as older.

    Grype looks at that itself before a scan; a program that does not is not believed.

    Raises:
        ScannerError: It is, or that can't be told.
    """
    if not settings.max_database_age:
        return
    advice = f"GRYPE_DB_CACHE_DIR={settings.cache_folder} grype db update gets a newer one"
    allowed = f"max_database_age ({settings.max_database_age:g} days)"
    built = database.built_at
    if built is None:
        raise ScannerError(
            f"nothing says how old the vulnerability database is, which counts as older than {allowed}: {advice}; "
            "max_database_age: 0 allows any"
        )
    if now - built > settings.oldest_database:
        raise ScannerError(f"the vulnerability database is of {built:%Y-%m-%d}, older than {allowed}: {advice}")
