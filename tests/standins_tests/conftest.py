"""What the tests of the stand-ins share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from standins.clair import StandInClair
from standins.clair_client import ClairClient
from standins.docker_registry import real_registry_programs
from standins.registry import StandInRegistry

__all__ = ["real_registry_programs"]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that asks for no compression and follows no redirects of its own accord."""
    async with aiohttp.ClientSession(skip_auto_headers=("Accept-Encoding", "Accept", "Content-Type")) as session:
        yield session


@pytest.fixture
async def clair() -> AsyncIterator[StandInClair]:
    """An empty Clair."""
    async with StandInClair() as server:
        yield server


@pytest.fixture
async def registry() -> AsyncIterator[StandInRegistry]:
    """An open registry without images."""
    async with StandInRegistry() as server:
        yield server


@pytest.fixture
def client(http: aiohttp.ClientSession, clair: StandInClair, registry: StandInRegistry) -> ClairClient:
    """A client of the empty Clair, for images of the empty registry."""
    return ClairClient(http, clair, registry)
