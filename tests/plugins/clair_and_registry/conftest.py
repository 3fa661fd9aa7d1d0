"""A Clair and a registry, both stand-ins over real sockets, and a scanner between them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from attrs import define, field
from portus_scanner_clair import ClairScanner, ClairSettings, client
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
from standins.clair import StandInClair
from standins.images import Pushable
from standins.registry import StandInRegistry


class RegistryContext(ScannerContext):
    """A context with the real registry client, that records what a scanner asks of it."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry
        self.asked: list[tuple[str, bool]] = []
        """Digest and whether new credentials were wanted, for each call of `blob`."""
        self.steps: list[tuple[int, int]] = []

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False) -> BlobAccess:
        self.asked.append((layer.digest, renew))
        return await self._registry.blob(image, layer, renew=renew)

    async def head_blob(self, image: Image, layer: Layer) -> BlobHead:
        return await self._registry.head_blob(image, layer)

    def progress(self, done: int, total: int, what: str = "") -> None:
        self.steps.append((done, total))


@define
class House:
    """Everything that a scan meets."""

    clair: StandInClair
    registry: StandInRegistry
    context: RegistryContext
    resolver: Registry = field(repr=False)

    def scanner(self, **settings: object) -> ClairScanner:
        """Make a scanner for this Clair."""
        values = {"server": self.clair.url, "health_port": self.clair.health_port, **settings}
        return ClairScanner(ClairSettings(**values), self.context)  # type: ignore[arg-type]

    async def image(self, built: Pushable, tag: str = "1") -> Image:
        """Push an image and resolve it."""
        self.registry.push("team/app", tag, built)
        return await self.resolver.resolve(Reference.parse(self.registry.reference("team/app", tag)))


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """An open registry, or one of the kind that the test's parameter names."""
    async with StandInClair() as clair, StandInRegistry(auth=getattr(request, "param", "open")) as registry:
        credentials = RegistrySettings(username=registry.username, password=Secret(registry.password))
        async with Registry({registry.host: credentials}) as resolver, RegistryContext(resolver) as context:
            assert isinstance(context, RegistryContext)
            yield House(clair, registry, context, resolver)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses after a lost race take no time."""
    monkeypatch.setattr(client, "RACE_PAUSE", 0.0)
