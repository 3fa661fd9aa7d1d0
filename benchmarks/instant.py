"""Scanners that answer at once, and images for them: what rows 3 and 5 scan."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from portus_scanners import (
    Engine,
    Image,
    Layer,
    Plugin,
    Reference,
    Scanner,
    ScannerReport,
    ScannerSection,
    ScannerSettings,
    Settings,
)

NAMES = ("one", "two", "three")


class InstantScanner(Scanner[ScannerSettings], contract=1):
    """Finds nothing, at once."""

    async def scan(self, image: Image) -> ScannerReport:
        """Return an empty report."""
        return ScannerReport()


@frozen(kw_only=True)
class _Given(Plugin):
    """A plugin that need not be installed."""

    def load(self) -> type[Scanner[Any]]:
        """Return the class."""
        return InstantScanner


def make_engine() -> Engine:
    """Return an engine with three scanners that answer at once."""
    plugins = [_Given(name=name, value="instant:InstantScanner", distribution="", version="") for name in NAMES]
    sections = {name: ScannerSection(name=name, plugin=name, enabled=True, values={}) for name in NAMES}
    return Engine(Settings(scanners=sections), plugins=plugins)


def make_image(number: int) -> Image:
    """Return an image of its own digest, with 10 layers."""
    layers = tuple(Layer(digest=f"sha256:{number * 1000 + place:064x}", size=1) for place in range(10))
    reference = Reference.parse(f"registry.example/team/app:{number}")
    return Image(reference=reference, digest=f"sha256:{number:064x}", layers=layers)
