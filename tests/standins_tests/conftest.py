"""What the tests of the stand-ins share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from portus_scanners_testing import StandInRegistry
from standins.clair import StandInClair
from standins.clair_client import ClairLab


@pytest.fixture
async def clair() -> AsyncIterator[StandInClair]:
    """An empty Clair."""
    async with StandInClair() as server:
        yield server


@pytest.fixture
def client(http: aiohttp.ClientSession, clair: StandInClair, registry: StandInRegistry) -> ClairLab:
    """A client of the empty Clair, for images of the empty registry."""
    return ClairLab(http, clair, registry)
