"""The vulnerability database on this machine, and which versions are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from .program import Trivy
from .wire import Versions

UPDATE_INTERVAL = 3600.0
"""Seconds between two questions whether there is a newer database: one is made every six hours."""
VERSIONS_LIFETIME = 300.0
"""Seconds for which the versions are remembered."""


class Database:
    """Keeps the database up to date for all images that are scanned: one process asks, the others wait for it.

    Args:
        updates: Whether this side has a database to keep up to date.
        clock: Monotonic seconds.
    """

    def __init__(self, *, updates: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._updates = updates
        self._clock = clock
        self._lock = asyncio.Lock()
        self._updated: float | None = None
        self._versions: tuple[float, Versions] | None = None

    async def update(self, trivy: Trivy) -> None:
        """See that there is a database of today.

        Raises:
            ScannerError: None could be downloaded.
        """
        if not self._updates:
            return
        async with self._lock:
            if self._updated is None or self._clock() - self._updated > UPDATE_INTERVAL:
                await trivy.update()
                self._updated, self._versions = self._clock(), None

    async def read_versions(self, trivy: Trivy) -> Versions:
        """Return the versions of program and database.

        Raises:
            ScannerError: The program failed.
        """
        async with self._lock:
            if self._versions is None or self._clock() - self._versions[0] > VERSIONS_LIFETIME:
                self._versions = self._clock(), await trivy.read_versions()
            return self._versions[1]
