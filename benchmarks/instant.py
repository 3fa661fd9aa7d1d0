"""Scanners that answer at once, and images for them: what rows 3 and 5 scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from portus_scanners import (
    Cvss,
    Engine,
    Finding,
    Image,
    Layer,
    Package,
    Plugin,
    Reference,
    Scanner,
    ScannerReport,
    ScannerSection,
    ScannerSettings,
    Settings,
    Severity,
)

NAMES = ("one", "two", "three")
FINDINGS = 100
"""Findings of an image that `TalkativeScanner` scans."""
_DESCRIPTION = "A flaw was found in the way that a function handled data that came from elsewhere. " * 5


class InstantScanner(Scanner[ScannerSettings], contract=1):
    """Finds nothing, at once."""

    async def scan(self, image: Image) -> ScannerReport:
        """Return an empty report."""
        return ScannerReport()


class TalkativeScanner(Scanner[ScannerSettings], contract=1):
    """Finds a hundred vulnerabilities, at once: new objects with strings of their own, as if read from an answer."""

    async def scan(self, image: Image) -> ScannerReport:
        """Return a report as large as that of an old image of a distribution."""
        return ScannerReport(findings=tuple(_make_finding(image, number) for number in range(FINDINGS)))


@frozen(kw_only=True)
class _Given(Plugin):
    """A plugin that need not be installed."""

    scanner_class: type[Scanner[ScannerSettings]]

    def load(self) -> type[Scanner[Any]]:
        """Return the class."""
        return self.scanner_class


def make_engine(*classes: type[Scanner[ScannerSettings]]) -> Engine:
    """Return an engine with scanners of these classes; three that find nothing when there are none."""
    chosen: Sequence[type[Scanner[ScannerSettings]]] = classes or [InstantScanner] * len(NAMES)
    given = dict(zip(NAMES, chosen, strict=False))
    plugins = [
        _Given(name=name, value="instant:Scanner", distribution="", version="", scanner_class=one)
        for name, one in given.items()
    ]
    sections = {name: ScannerSection(name=name, plugin=name, enabled=True, values={}) for name in given}
    return Engine(Settings(scanners=sections), plugins=plugins)


def make_image(number: int) -> Image:
    """Return an image of its own digest, with 10 layers."""
    layers = tuple(Layer(digest=f"sha256:{number * 1000 + place:064x}", size=1) for place in range(10))
    reference = Reference.parse(f"registry.example/team/app:{number}")
    return Image(reference=reference, digest=f"sha256:{number:064x}", layers=layers)


def _make_finding(image: Image, number: int) -> Finding:
    name = f"CVE-2099-{number:05}"
    return Finding(
        id=name,
        severity=Severity.HIGH,
        package=Package(name=f"package{number}", version=f"1.{number}-1", namespace="debian:12"),
        fixed_by=(f"1.{number}-2",),
        links=(f"https://security.example/{name}",),
        description=f"{image.digest}: {_DESCRIPTION}",
        cvss=(Cvss(version="3.1", vector="AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", score=9.8),),
    )
