"""Vulnerabilities: what the findings of all scanners say together."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum

from attrs import field, frozen
from portus_images import texts, word

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
    """Why a vulnerability does not count for the gate."""

    rule: str = field(validator=word)
    """Where the rule stands: ``suppressions.yml:12``."""
    reason: str = field(validator=word)
    by: str = ""
    """Who decided it."""
    until: date | None = None
    """The last day (UTC) on which the rule applies; None for no end."""


@frozen(kw_only=True)
class Rating:
    """What one scanner thinks of one vulnerability."""

    scanner: str
    severity: Severity
    id: str = ""
    """What this scanner calls the vulnerability."""
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
    """The canonical name: a CVE where some scanner gives one."""
    aliases: tuple[str, ...] = field(default=(), converter=texts)
    """All other names that a scanner gives, sorted; no CVE: that would be another vulnerability."""
    severity: Severity
    """What is shown: the highest of `ratings`, or what the `SeverityPolicy` prefers."""
    package: Package
    """What it is counted under: the source package, wherever a scanner says what a package was built from."""
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
    not_found_by: tuple[str, ...] = field(default=(), converter=texts)
    """Who looked, ended `ok`, and did not find it, sorted."""
    not_looked_by: tuple[str, ...] = field(default=(), converter=texts)
    """Who did not find it and can't say that it is not there: who has no run that ended `ok`, sorted."""
    suppressed: Suppressed | None = None
    """The rule that takes it out of the gate; it stays in every report."""

    @property
    def highest(self) -> Severity:
        """The highest severity that any scanner gives, whatever is shown."""
        return max((rating.severity for rating in self.ratings), default=self.severity)
