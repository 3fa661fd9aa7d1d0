"""An engine for one scanner class, whether its plugin is installed or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen
from portus_images import Registry
from portus_scanners import Scanner
from portus_scanners.engine import Engine
from portus_scanners.plugins import Plugin
from portus_scanners.settings import ScannerSection, Settings

_GRACE = 5.0


@frozen(kw_only=True)
class GivenPlugin(Plugin):
    """A plugin made of a scanner class, whose distribution need not be installed."""

    scanner_class: type[Scanner[Any]]

    def load(self) -> type[Scanner[Any]]:
        """Return the class."""
        return self.scanner_class


@asynccontextmanager
async def open_engine(
    scanner_class: type[Scanner[Any]],
    settings: Mapping[str, object],
    *,
    registry: Registry | None = None,
    grace: float = _GRACE,
) -> AsyncIterator[Engine]:
    """Open an engine with one scanner, which is called ``tested``.

    Args:
        scanner_class: The class; its distribution need not be installed.
        settings: What the configuration would have under the scanner's key.
        registry: A registry client of the caller's, which closes it.
        grace: Seconds that the scanner has to end after its cancellation.

    Raises:
        SettingsError: The settings are not valid.
    """
    value = f"{scanner_class.__module__}:{scanner_class.__qualname__}"
    plugin = GivenPlugin(name="tested", value=value, distribution="", version="", scanner_class=scanner_class)
    section = ScannerSection(name="tested", plugin="tested", enabled=True, values=dict(settings))
    async with Engine(
        Settings(scanners={"tested": section}), registry=registry, plugins=[plugin], grace=grace
    ) as engine:
        yield engine
