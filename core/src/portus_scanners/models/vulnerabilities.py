"""Vulnerabilities: what the findings of all scanners say together, and which of their severities is shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum

from attrs import field, frozen
from portus_images import nonempty_string, strings

from .findings import Cvss, FixState, Package, Severity, VendorRating


class MatchedBy(Enum):
    """How findings were found to be in the same package; also of a single finding."""

    PACKAGE = "package"
    """All findings name `Vulnerability.package` itself, or leave out the name or the version."""
    SOURCE = "source"
    """Some findings name a package that was built from `Vulnerability.package`, which is a source package."""


@frozen(kw_only=True)
class Suppressed:
    """Why a vulnerability does not count for the gate.

    Attributes:
        rule: Where the rule is: ``suppressions.yml:12``.
        reason: Why the rule was made, as its author wrote it.
        by: Who decided it; empty where the rule does not say.
        until: The last day (UTC) on which the rule applies; None for no end.
    """

    rule: str = field(validator=nonempty_string)
    reason: str = field(validator=nonempty_string)
    by: str = ""
    until: date | None = None


@frozen(kw_only=True)
class Rating:
    """How bad one scanner says that one vulnerability is.

    Attributes:
        scanner: The scanner's name in the configuration.
        severity: The severity.
        id: The scanner's own name for the vulnerability.
        label: The word that the scanner used for the severity.
        source: Whose severity the scanner took; empty where it does not say.
        cvss: The CVSS ratings that the scanner gives.
        vendors: The severities according to all sources that the scanner knows, sorted by source.
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
        severity: The severity that is shown: the highest of `ratings`, or what the `SeverityPolicy` prefers.
        package: The package that it is counted under: the source package, wherever a scanner says what a package was
            built from.
        matched_by: How the findings were found to be in the same package.
        packages: The packages that the findings name, sorted, each once.
        source_packages: The packages that these were built from, where a scanner says, sorted, each once.
        purls: The package URLs that the findings give, each once.
        paths: The files in the image in which the packages were found, each once.
        layers: Digests of the layers that brought the packages, each once.
        fix_states: What the scanners say of a fix, each once; `FixState.UNKNOWN` is left out.
        fixed_by: The versions (or patches) that fix it according to any scanner, each once.
        links: URLs of pages about it, each once.
        title: What it is, in one line: the title of the first finding that has one.
        description: What it is, any number of lines: the description of the first finding that has one.
        ratings: How bad it is according to each scanner, sorted by scanner, then by severity.
        published: When it became known: the earliest time that a scanner gives; None where none does.
        modified: When the information about it last changed: the latest time that a scanner gives; None where none
            does.
        scanners: Names of the scanners that found it, sorted.
        not_found_by: Names of the scanners that looked, ended `ok`, and did not find it, sorted.
        not_looked_by: Names of the scanners that did not find it and can't say that it is not there, since none of
            their runs ended `ok`, sorted.
        suppressed: The rule that takes it out of the gate, None where none does; it stays in every report.
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
        """The highest severity that any scanner gives, whichever one is shown."""
        return max((rating.severity for rating in self.ratings), default=self.severity)


@frozen(kw_only=True)
class SeverityPolicy:
    """Which severity of a vulnerability is shown and counts: a pure function of its ratings.

    The first preferred scanner that found the vulnerability, with a severity other than unknown, decides; of several
    ratings of that scanner, the highest counts. If no preferred scanner did, the highest rating of all is shown.

    Attributes:
        prefer: Names of scanners in the configuration, the most trusted first; if empty, the highest rating is shown.
    """

    prefer: tuple[str, ...] = field(default=(), converter=strings)

    def choose(self, ratings: Iterable[Rating]) -> Severity:
        """Return the severity that is shown; `Severity.UNKNOWN` where there are no ratings."""
        ratings = tuple(ratings)
        decided = self.decide(ratings)
        return decided[1] if decided else _highest(ratings)

    def decide(self, ratings: Iterable[Rating]) -> tuple[str, Severity] | None:
        """Return the preferred scanner that decides, and what it says; None where none of them says anything."""
        ratings = tuple(ratings)
        for scanner in self.prefer:
            severity = _highest(rating for rating in ratings if rating.scanner == scanner)
            if severity is not Severity.UNKNOWN:
                return scanner, severity
        return None


def _highest(ratings: Iterable[Rating]) -> Severity:
    return max((rating.severity for rating in ratings), default=Severity.UNKNOWN)
