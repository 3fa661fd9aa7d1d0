"""What is put together from the runs of all scanners."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from .fields import texts
from .findings import Cvss, Package, VendorRating
from .images import Image
from .runs import ScannerRun
from .words import FixState, Severity

__all__ = [
    "ImageReport",
    "MatchedBy",
    "Rating",
    "ReportDocument",
    "UnresolvedImage",
    "Verdict",
    "Vulnerability",
]

SCHEMA_VERSION = 1
"""The version of the JSON document. It grows when a reader of the old one could misread the new one."""


class Verdict(Enum):
    """The answer for one image."""

    VULNERABLE = "vulnerable"
    """Some scanner found something."""
    CLEAN = "clean"
    """At least one scanner was asked, every one ended `ok`, and none found anything."""
    UNKNOWN = "unknown"
    """Nothing was found, but not everybody has looked."""


class MatchedBy(Enum):
    """How findings were found to be in the same package."""

    PACKAGE = "package"
    """All name the same one."""
    SOURCE = "source"
    """Some name a binary package, others the source package that it was built from."""


@frozen(kw_only=True)
class Rating:
    """What one scanner thinks of one vulnerability."""

    scanner: str
    severity: Severity
    label: str = ""
    """The word that the scanner used."""
    source: str = ""
    """Whose severity the scanner took, where it says."""
    cvss: tuple[Cvss, ...] = ()
    vendors: tuple[VendorRating, ...] = ()
    """By source: the severities of all whom the scanner knows of."""


@frozen(kw_only=True)
class Vulnerability:
    """Findings of several scanners that mean the same thing."""

    id: str
    severity: Severity
    """The highest of `ratings`."""
    package: Package
    """The source package where the findings were matched by it."""
    matched_by: MatchedBy = MatchedBy.PACKAGE
    packages: tuple[Package, ...] = ()
    """What the findings call it, sorted, each once."""
    source_packages: tuple[Package, ...] = ()
    """What these were built from, where a scanner says."""
    purls: tuple[str, ...] = field(default=(), converter=texts)
    paths: tuple[str, ...] = field(default=(), converter=texts)
    layers: tuple[str, ...] = field(default=(), converter=texts)
    """Digests of the layers that brought it."""
    fix_states: tuple[FixState, ...] = ()
    """What the scanners say of a fix, each once; `FixState.UNKNOWN` is left out."""
    fixed_by: tuple[str, ...] = field(default=(), converter=texts)
    links: tuple[str, ...] = field(default=(), converter=texts)
    title: str = ""
    description: str = ""
    ratings: tuple[Rating, ...] = ()
    """By scanner, then by severity."""
    published: datetime | None = None
    """The earliest that a scanner names."""
    modified: datetime | None = None
    """The latest that a scanner names."""
    scanners: tuple[str, ...] = ()
    """Who found it, by name."""


@frozen(kw_only=True)
class ImageReport:
    """Everything that was learned about one image."""

    image: Image
    verdict: Verdict
    results: tuple[ScannerRun, ...] = ()
    """One for each selected scanner, in the order of the configuration."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    """By severity, highest first, then by id and package."""


@frozen(kw_only=True)
class UnresolvedImage:
    """A reference that could not be scanned at all."""

    reference: str
    step: str
    """Where it ended; `RegistryError.step`."""
    message: str


@frozen(kw_only=True)
class ReportDocument:
    """The whole answer of one command: what is written as JSON."""

    schema_version: int = SCHEMA_VERSION
    reports: tuple[ImageReport, ...] = ()
    errors: tuple[UnresolvedImage, ...] = ()
