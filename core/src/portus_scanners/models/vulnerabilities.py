"""Vulnerabilities: what the findings of all scanners say together."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

from attrs import field, frozen
from portus_images import nonempty_string, strings

from .findings import Cvss, Package, VendorRating
from .words import FixState, Severity

__all__ = [
    "MatchedBy",
    "Rating",
    "Suppressed",
    "Vulnerability",
]


class MatchedBy(Enum):
    """How findings were found to be in the same package; also of a single finding."""

    PACKAGE = "package"
    """All name `Vulnerability.package` itself, or leave the name or the version out."""
    SOURCE = "source"
    """Some name a package that was built from `Vulnerability.package`, which is a source package."""


@frozen(kw_only=True)
class Suppressed:
    """Why a vulnerability does not count for the gate.

    Attributes:
        rule: Where the rule stands: ``suppressions.yml:12``.
        by: Who decided it.
        until: The last day (UTC) on which the rule applies; None for no end.
    """

    rule: str = field(validator=nonempty_string)
    reason: str = field(validator=nonempty_string)
    by: str = ""
    until: date | None = None


@frozen(kw_only=True)
class Rating:
    """What one scanner thinks of one vulnerability.

    Attributes:
        id: What this scanner calls the vulnerability.
        label: The word that the scanner used.
        source: Whose severity the scanner took, where it says.
        vendors: By source: the severities of all whom the scanner knows of.
    """

    scanner: str
    severity: Severity
    id: str = ""
    label: str = ""
    source: str = ""
    cvss: tuple[Cvss, ...] = ()
    vendors: tuple[VendorRating, ...] = ()


@frozen(kw_only=True)
class Vulnerability:
    """Findings of several scanners that mean the same thing.

    Attributes:
        id: The canonical name: a CVE where some scanner gives one.
        aliases: All other names that a scanner gives, sorted; no CVE: that would be another vulnerability.
        severity: What is shown: the highest of `ratings`, or what the `SeverityPolicy` prefers.
        package: What it is counted under: the source package, wherever a scanner says what a package was built from.
        packages: What the findings call it, sorted, each once.
        source_packages: What these were built from, where a scanner says.
        layers: Digests of the layers that brought it.
        fix_states: What the scanners say of a fix, each once; `FixState.UNKNOWN` is left out.
        ratings: By scanner, then by severity.
        published: The earliest that a scanner names.
        modified: The latest that a scanner names.
        scanners: Who found it, by name.
        not_found_by: Who looked, ended `ok`, and did not find it, sorted.
        not_looked_by: Who did not find it and can't say that it is not there: who has no run that ended `ok`, sorted.
        suppressed: The rule that takes it out of the gate; it stays in every report.
    """

    id: str
    aliases: tuple[str, ...] = field(default=(), converter=strings)
    severity: Severity
    package: Package
    matched_by: MatchedBy = MatchedBy.PACKAGE
    packages: tuple[Package, ...] = ()
    source_packages: tuple[Package, ...] = ()
    purls: tuple[str, ...] = field(default=(), converter=strings)
    paths: tuple[str, ...] = field(default=(), converter=strings)
    layers: tuple[str, ...] = field(default=(), converter=strings)
    fix_states: tuple[FixState, ...] = ()
    fixed_by: tuple[str, ...] = field(default=(), converter=strings)
    links: tuple[str, ...] = field(default=(), converter=strings)
    title: str = ""
    description: str = ""
    ratings: tuple[Rating, ...] = ()
    published: datetime | None = None
    modified: datetime | None = None
    scanners: tuple[str, ...] = ()
    not_found_by: tuple[str, ...] = field(default=(), converter=strings)
    not_looked_by: tuple[str, ...] = field(default=(), converter=strings)
    suppressed: Suppressed | None = None

    @property
    def highest(self) -> Severity:
        """The highest severity that any scanner gives, whatever is shown."""
        return max((rating.severity for rating in self.ratings), default=self.severity)
