"""Engines with scanners of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import frozen
from portus_scanners import (
    BlobAccess,
    Engine,
    Image,
    Layer,
    Platform,
    PluginError,
    Reference,
    RegistryError,
    Scanner,
    ScannerReport,
    ScannerSettings,
    Settings,
)

IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1"),
    digest="sha256:" + "a" * 64,
    layers=(Layer(digest="sha256:" + "b" * 64, size=1),),
)


class Stub(Scanner[ScannerSettings], contract=1):
    """Clean, at once."""

    async def scan(self, image: Image) -> ScannerReport:
        return ScannerReport()


@frozen
class InstalledPlugin:
    """What discovery would find; a string stands for the reason why it can't be loaded."""

    name: str
    scanner_class: type[Scanner[Any]] | str

    def load(self) -> type[Scanner[Any]]:
        if isinstance(self.scanner_class, str):
            raise PluginError(self.name, self.scanner_class)
        return self.scanner_class


class OneImageRegistry:
    """Resolves every reference but those of the repository ``missing`` to one image."""

    async def resolve(self, reference: Reference, platform: Platform | None = None) -> Image:
        if "missing" in reference.repository:
            msg = "there is no such image"
            raise RegistryError(msg, registry=reference.registry, step="manifest", status=404)
        return IMAGE

    async def blob(self, image: Image, layer: Layer, *, renew: bool = False) -> BlobAccess:
        return BlobAccess(url="http://registry.example/blob", headers={"renew": str(renew)})


@pytest.fixture
def make_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``make_engine(name=Class, ...)`` as an async context manager; ``settings`` adds to the sections."""

    @asynccontextmanager
    async def make(
        settings: dict[str, dict[str, object]] | None = None, grace: float = 5.0, **classes: Any
    ) -> AsyncIterator[Engine]:
        installed = tuple(InstalledPlugin(name, one) for name, one in classes.items())
        for module in ("portus_scanners.engine.engine", "portus_scanners.settings.reader"):
            monkeypatch.setattr(f"{module}.discover", lambda: installed)
        sections: dict[str, dict[str, object]] = {name: {"enabled": True} for name in classes}
        for name, values in (settings or {}).items():
            sections[name] = {"enabled": True, **values}
        document = {"security": sections}
        async with Engine(Settings.from_mapping(document), registry=OneImageRegistry(), grace=grace) as engine:  # type: ignore[arg-type]
            yield engine

    return make
