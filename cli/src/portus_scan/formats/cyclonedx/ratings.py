"""Every rating of a vulnerability, with who gave it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cyclonedx.model.vulnerability import (
    VulnerabilityRating,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from portus_scanners import Cvss, Rating, Severity, VendorRating, Vulnerability

from ..foreign import name

_SEVERITIES = {
    Severity.UNKNOWN: VulnerabilitySeverity.UNKNOWN,
    Severity.NEGLIGIBLE: VulnerabilitySeverity.INFO,
    Severity.LOW: VulnerabilitySeverity.LOW,
    Severity.MEDIUM: VulnerabilitySeverity.MEDIUM,
    Severity.HIGH: VulnerabilitySeverity.HIGH,
    Severity.CRITICAL: VulnerabilitySeverity.CRITICAL,
    Severity.DEFCON1: VulnerabilitySeverity.CRITICAL,
}
_METHODS = {
    "2": VulnerabilityScoreSource.CVSS_V2,
    "2.0": VulnerabilityScoreSource.CVSS_V2,
    "3": VulnerabilityScoreSource.CVSS_V3,
    "3.0": VulnerabilityScoreSource.CVSS_V3,
    "3.1": VulnerabilityScoreSource.CVSS_V3_1,
    "4": VulnerabilityScoreSource.CVSS_V4,
    "4.0": VulnerabilityScoreSource.CVSS_V4,
}


def make_ratings(found: Vulnerability) -> Iterator[VulnerabilityRating]:
    """Give what each scanner says itself, which scores it gives, and what it says that others say."""
    for rating in found.ratings:
        yield _own(rating)
        yield from (_scored(rating.scanner, cvss) for cvss in rating.cvss)
        yield from (_of_vendor(rating.scanner, vendor) for vendor in rating.vendors)


def _own(rating: Rating) -> VulnerabilityRating:
    words = [f"severity {rating.severity.value}"]
    words += [f"label {name(rating.label)}"] if rating.label else []
    words += [f"of {name(rating.source)}"] if rating.source else []
    return VulnerabilityRating(
        source=_who(rating.scanner, rating.source),
        severity=_SEVERITIES[rating.severity],
        method=VulnerabilityScoreSource.OTHER,
        justification=", ".join(words),
    )


def _scored(scanner: str, cvss: Cvss) -> VulnerabilityRating:
    rating = VulnerabilityRating(
        source=_who(scanner, cvss.source),
        score=None if cvss.score is None else Decimal(str(cvss.score)),
        method=_METHODS.get(cvss.version, VulnerabilityScoreSource.OTHER),
    )
    rating.vector = name(cvss.vector) or None  # given to the constructor, it would lose its "CVSS:3.1/"
    return rating


def _of_vendor(scanner: str, vendor: VendorRating) -> VulnerabilityRating:
    return VulnerabilityRating(
        source=_who(scanner, vendor.source),
        severity=_SEVERITIES[vendor.severity],
        method=VulnerabilityScoreSource.OTHER,
        justification=f"label {name(vendor.label)}" if vendor.label else None,
    )


def _who(scanner: str, source: str) -> VulnerabilitySource:
    """Return ``nvd (as trivy says)``, or the scanner alone."""
    return VulnerabilitySource(name=f"{name(source)} (as {name(scanner)} says)" if source else name(scanner))
