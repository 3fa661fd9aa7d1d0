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
    Plugin,
    PluginError,
    Reference,
    RegistryError,
    Scanner,
    ScannerReport,
    ScannerSection,
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


@frozen(kw_only=True)
class InstalledPlugin(Plugin):
    """A plugin whose class is at hand; a string stands for the reason why it can't be loaded."""

    scanner_class: type[Scanner[Any]] | str

    @classmethod
    def of(cls, name: str, scanner_class: type[Scanner[Any]] | str) -> InstalledPlugin:
        return cls(name=name, value="m:X", distribution=f"dist-{name}", version="1.0", scanner_class=scanner_class)

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


def section(name: str, values: dict[str, object]) -> ScannerSection:
    """Return an enabled section, unless ``enabled`` says otherwise."""
    rest = {key: value for key, value in values.items() if key != "scanner"}
    return ScannerSection(
        name=name, plugin=str(values.get("scanner", name)), enabled=bool(values.get("enabled", True)), values=rest
    )


@pytest.fixture
def make_engine() -> Callable[..., Any]:
    """``make_engine(name=Class, ...)`` as an async context manager; ``settings`` adds to the sections."""

    @asynccontextmanager
    async def make(
        settings: dict[str, dict[str, object]] | None = None, grace: float = 5.0, **classes: Any
    ) -> AsyncIterator[Engine]:
        plugins = [InstalledPlugin.of(name, one) for name, one in classes.items()]
        sections: dict[str, dict[str, object]] = {name: {} for name in classes} | (settings or {})
        scanners = {name: section(name, values) for name, values in sections.items()}
        registry: Any = OneImageRegistry()
        async with Engine(Settings(scanners=scanners), registry=registry, plugins=plugins, grace=grace) as engine:
            yield engine

    return make
