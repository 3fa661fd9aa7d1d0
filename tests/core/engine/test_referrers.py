"""A scanner reads what was pushed with an image: over its context, with the engine's credentials."""

from __future__ import annotations

from typing import Any

import pytest
from portus_scanners import Engine, Image, Scanner, ScannerReport, ScannerSettings, Settings
from portus_scanners_testing.images import filler_layer, make_artifact, make_image
from portus_scanners_testing.registry import StandInRegistry

from .conftest import InstalledPlugin

SPDX = "application/spdx+json"
IMAGE = make_image(filler_layer("base"))
SBOM = make_artifact(IMAGE, SPDX, b'{"spdxVersion": "SPDX-2.3"}')


@pytest.mark.parametrize("api", [True, False], ids=["api", "tag"])
async def test_an_sbom_that_is_attached_to_an_image_is_read(monkeypatch: pytest.MonkeyPatch, api: bool) -> None:
    """Listed, its manifest fetched, then its content: of a registry that wants a token."""
    seen: list[Any] = []

    class Reader(Scanner[ScannerSettings], contract=1):
        async def scan(self, image: Image) -> ScannerReport:
            (referrer,) = await self.context.referrers(image, SPDX)
            seen.append(await self.context.fetch(image, referrer.digest, max_size=100_000))
            seen.append(await self.context.fetch(image, SBOM.layers[0].digest, max_size=100_000))
            return ScannerReport()

    for module in ("portus_scanners.engine.engine", "portus_scanners.settings.reader"):
        monkeypatch.setattr(f"{module}.discover", lambda **_: (InstalledPlugin.of("reader", Reader),))
    async with StandInRegistry(auth="token", referrers=api) as server:
        server.push("team/app", "1", IMAGE)
        server.push("team/app", "", SBOM)
        login = {"username": server.username, "password": server.password}
        document = {"security": {"reader": {"enabled": True}}, "registries": {server.host: login}}
        async with Engine(Settings.from_mapping(document)) as engine:
            report = await engine.scan(server.reference("team/app", "1"))

    assert ["ok"] == [run.outcome.value for run in report.results]
    assert [SBOM.manifest, SBOM.layers[0].data] == seen
