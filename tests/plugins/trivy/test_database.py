"""Keeping the database up to date: one download for all, and one failure."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from portus_scanner_trivy.database import FAILURE_LIFETIME, DatabaseKeeper
from portus_scanner_trivy.settings import TrivySettings
from portus_scanners import ScannerUnavailableError

from .conftest import ask_nobody


class FakeTrivy:
    """Counts downloads, each of which fails."""

    downloads = 0

    async def update(self) -> None:
        self.downloads += 1
        await asyncio.sleep(0)
        msg = "no database could be downloaded"
        raise ScannerUnavailableError(msg)


async def test_a_failed_download_is_the_answer_for_all_who_wait() -> None:
    """Images that wait for the database do not each try the network again; a minute later one does."""
    now = 0.0
    database, trivy = DatabaseKeeper(TrivySettings(), ask_nobody, clock=lambda: now), FakeTrivy()
    given: Any = trivy
    ended = await asyncio.gather(*(database.update(given) for _ in range(6)), return_exceptions=True)
    assert [(ScannerUnavailableError, "no database could be downloaded")] * 6 == [(type(e), str(e)) for e in ended]
    assert 1 == trivy.downloads
    now = FAILURE_LIFETIME
    with pytest.raises(ScannerUnavailableError):
        await database.update(given)
    assert 2 == trivy.downloads
