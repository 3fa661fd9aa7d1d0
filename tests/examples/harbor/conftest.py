"""A scanner, a stand-in of an adapter, and a context that records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from portus_images import Registry, RegistrySettings
from portus_scanner_harbor import HarborScanner, HarborSettings
from portus_scanners import Image, Reference, Secret
from portus_scanners_testing import PASSWORD, USERNAME, RecordingContext, StandInRegistry
from portus_scanners_testing.images import debian_image
from standins.harbor import StandInAdapter


@pytest.fixture
async def adapter() -> AsyncIterator[StandInAdapter]:
    """A running adapter."""
    async with StandInAdapter() as adapter:
        yield adapter


@pytest.fixture
async def stored(request: pytest.FixtureRequest) -> AsyncIterator[StandInRegistry]:
    """A registry that wants tokens and has one image."""
    async with StandInRegistry(auth=getattr(request, "param", "token")) as registry:
        registry.push("team/app", "1", debian_image({"openssl": "3.0.1-1"}))
        yield registry


@pytest.fixture
async def client(stored: StandInRegistry) -> AsyncIterator[Registry]:
    """A client that knows the account."""
    account = RegistrySettings(username=USERNAME, password=Secret(PASSWORD))
    async with Registry({stored.host: account}, environ={}) as client:
        yield client


@pytest.fixture
async def image(stored: StandInRegistry, client: Registry) -> Image:
    """The image, resolved."""
    return await client.resolve(Reference.parse(stored.reference("team/app", "1")))


@pytest.fixture
async def context(client: Registry) -> AsyncIterator[RecordingContext]:
    """A context that gives access to the registry."""
    async with RecordingContext(registry=client) as context:
        yield context


@pytest.fixture
def scanner(adapter: StandInAdapter, context: RecordingContext) -> Callable[..., HarborScanner]:
    """``scanner(auth="bearer")`` makes a scanner for the adapter."""

    def make(**settings: Any) -> HarborScanner:
        return HarborScanner(HarborSettings(server=adapter.url, **settings), context)

    return make
