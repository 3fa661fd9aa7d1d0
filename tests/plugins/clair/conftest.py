"""A Clair, a registry, and a scanner between them that records what it asks of the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import portus_scanner_clair.client
import pytest
from attrs import frozen
from portus_images import Registry, RegistrySettings
from portus_scanner_clair import ClairScanner, ClairSettings
from portus_scanners import BlobAccess, Image, Layer, Reference, Secret
from portus_scanners_testing import RecordingContext, StandInRegistry
from portus_scanners_testing.images import Pushable
from standins.clair import StandInClair


class FaultyContext(RecordingContext):
    """A recording context that can refuse access to layers."""

    fault: Exception | None = None
    """What is raised instead of giving access."""

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False) -> BlobAccess:
        access = await super().blob(image, layer, renew=renew)
        if self.fault is not None:
            raise self.fault
        return access


@frozen
class House:
    """A Clair, a registry with a client, and the scanner's context."""

    clair: StandInClair
    registry: StandInRegistry
    client: Registry
    context: FaultyContext

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
    """A Clair with data for Debian 12, and a registry in the mode that the test asks for; pauses take no time."""
    monkeypatch.setattr(portus_scanner_clair.client, "RACE_PAUSE", 0.0)
    monkeypatch.setattr(portus_scanner_clair.client, "DATA_PAUSES", (0.0, 0.0))
    async with StandInClair() as clair, StandInRegistry(auth=request.param) as registry:
        clair.add_vulnerability("debian:12", "CVE-2099-9999", fixed_in={"installed-nowhere": "1"})
        account = RegistrySettings(username=registry.username, password=Secret(registry.password))
        accounts = {} if registry.auth == "open" else {registry.host: account}
        async with Registry(accounts) as client, FaultyContext(registry=client) as context:
            yield House(clair, registry, client, context)
