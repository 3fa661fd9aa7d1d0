"""A Clair, a registry, and a scanner between them that records what it asks of the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import portus_scanner_clair.client
import pytest
from attrs import frozen
from portus_scanner_clair import ClairScanner, ClairSettings
from portus_scanners import (
    BlobAccess,
    BlobHead,
    Image,
    Layer,
    Reference,
    Registry,
    RegistrySettings,
    ScannerContext,
    Secret,
)
from portus_scanners.testing.images import Pushable
from portus_scanners.testing.registry.registry import StandInRegistry
from standins.clair import StandInClair


class RecordingContext(ScannerContext):
    """Gives access to the layers as the engine's context does, and records what it was asked."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry
        self.asked: list[tuple[str, bool]] = []
        """Digest and *renew* of each request for credentials."""
        self.steps: list[tuple[int, int]] = []
        """Done and total of each progress."""
        self.fault: Exception | None = None
        """What is raised instead of giving access."""

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False) -> BlobAccess:
        self.asked.append((layer.digest, renew))
        if self.fault is not None:
            raise self.fault
        return await self._registry.blob(image, layer, renew=renew)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        return await self._registry.head_blob(image, layer)

    def progress(self, done: int, total: int, what: str = "") -> None:
        assert what == "layer"
        self.steps.append((done, total))


@frozen
class House:
    """A Clair, a registry with a client, and the scanner's context."""

    clair: StandInClair
    registry: StandInRegistry
    client: Registry
    context: RecordingContext

    async def image(self, built: Pushable, tag: str = "1.0") -> Image:
        """Push an image to ``team/app`` and resolve it."""
        self.registry.push("team/app", tag, built)
        return await self.client.resolve(Reference.parse(self.registry.reference("team/app", tag)))

    def scanner(self, **settings: Any) -> ClairScanner:
        """Make a scanner for this Clair."""
        values = {"server": self.clair.url, "health_port": self.clair.health_port, **settings}
        return ClairScanner(ClairSettings(**values), self.context)


@pytest.fixture(params=["open"])
async def house(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A Clair that knows nothing, and a registry in the mode that the test asks for; pauses take no time."""
    monkeypatch.setattr(portus_scanner_clair.client, "RACE_PAUSE", 0.0)
    async with StandInClair() as clair, StandInRegistry(auth=request.param) as registry:
        account = RegistrySettings(username=registry.username, password=Secret(registry.password))
        accounts = {} if registry.auth == "open" else {registry.host: account}
        async with Registry(accounts) as client, RecordingContext(client) as context:
            yield House(clair, registry, client, context)
