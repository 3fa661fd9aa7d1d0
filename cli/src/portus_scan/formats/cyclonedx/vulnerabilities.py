"""Entries of CycloneDX: vulnerabilities with every rating and the decision about them as VEX, and what is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from cyclonedx.model import Property, XsUri
from cyclonedx.model.impact_analysis import ImpactAnalysisJustification, ImpactAnalysisState
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability as Entry,
    VulnerabilityAdvisory,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilityScoreSource,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from portus_policy import Suppressed
from portus_scanners import Cvss, Rating, Severity, VendorRating, Vulnerability

from ...terminal import message, name
from ..doubts import Doubt
from ..foreign import paragraphs, web_links
from ..provenance import PROGRAM
from ..words import fix_words, suppression_words

NOT_COMPLETE = "PORTUS-SCAN-NOT-COMPLETE"
"""The id of entries that are not vulnerabilities: they say that not every vulnerability is known."""
_NAMESPACE = "portus-scanners"
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}", re.ASCII)
_SOURCES = {"GHSA": "GitHub Advisories", "RHSA": "Red Hat", "SUSE": "SUSE", "DSA": "Debian", "DLA": "Debian"}
_STATES = {
    "false positive": ImpactAnalysisState.FALSE_POSITIVE,
    "false_positive": ImpactAnalysisState.FALSE_POSITIVE,
    "fixed": ImpactAnalysisState.RESOLVED,
    "not affected": ImpactAnalysisState.NOT_AFFECTED,
    "not_affected": ImpactAnalysisState.NOT_AFFECTED,
}
_JUSTIFICATIONS = {
    "component_not_present": ImpactAnalysisJustification.CODE_NOT_PRESENT,
    "inline_mitigations_already_exist": ImpactAnalysisJustification.PROTECTED_BY_MITIGATING_CONTROL,
    "vulnerable_code_cannot_be_controlled_by_adversary": None,
    "vulnerable_code_not_in_execute_path": ImpactAnalysisJustification.CODE_NOT_REACHABLE,
    "vulnerable_code_not_present": ImpactAnalysisJustification.CODE_NOT_PRESENT,
}
"""OpenVEX' reasons for ``not_affected``, and what CycloneDX calls them."""
_SEVERITIES = {
    Severity.UNKNOWN: VulnerabilitySeverity.UNKNOWN,
    Severity.NEGLIGIBLE: VulnerabilitySeverity.INFO,
    Severity.LOW: VulnerabilitySeverity.LOW,
    Severity.MEDIUM: VulnerabilitySeverity.MEDIUM,
    Severity.HIGH: VulnerabilitySeverity.HIGH,
    Severity.CRITICAL: VulnerabilitySeverity.CRITICAL,
    Severity.DEFCON1: VulnerabilitySeverity.CRITICAL,
}
_HEIGHTS = {_SEVERITIES[severity].value: height for height, severity in enumerate(Severity)}
"""How high each word is; critical and defcon1 are one."""
_METHODS = {
    "2": VulnerabilityScoreSource.CVSS_V2,
    "2.0": VulnerabilityScoreSource.CVSS_V2,
    "3": VulnerabilityScoreSource.CVSS_V3,
    "3.0": VulnerabilityScoreSource.CVSS_V3,
    "3.1": VulnerabilityScoreSource.CVSS_V3_1,
    "4": VulnerabilityScoreSource.CVSS_V4,
    "4.0": VulnerabilityScoreSource.CVSS_V4,
}

PropertyFacts = Iterable[tuple[str, str]]


def vulnerability_entry(found: Vulnerability, affects: Iterable[BomTarget], ref: str) -> Entry:
    """Return the entry of one vulnerability of one image."""
    return Entry(
        bom_ref=ref,
        id=name(found.id),
        source=_source(found.id),
        references=[VulnerabilityReference(id=name(alias), source=_source(alias)) for alias in found.aliases if alias],
        ratings=_make_ratings(found),
        description=paragraphs(found.description) or message(found.title) or None,
        detail=message(found.title) or None,
        recommendation=fix_words(found),
        advisories=[VulnerabilityAdvisory(url=XsUri(link)) for link in web_links(found.links)],
        published=found.published,
        updated=found.modified,
        analysis=_analysis(found.suppressed) if found.suppressed else None,
        affects=affects,
        properties=properties(_facts(found)),
    )


def _source(text: str) -> VulnerabilitySource:
    """Return who gives ids of this kind: NVD, with a page, for a CVE; for others the name only."""
    if _CVE.fullmatch(text):
        return VulnerabilitySource(name="NVD", url=XsUri(f"https://nvd.nist.gov/vuln/detail/{text}"))
    prefix = re.match(r"[A-Z]{2,10}(?=-)", text)
    return VulnerabilitySource(name=_SOURCES.get(prefix[0], prefix[0]) if prefix else "unknown")


def _analysis(rule: Suppressed) -> VulnerabilityAnalysis:
    """Return the decision of a rule as VEX analysis, with a state only where the rule's reason begins with one.

    A reason that comes from an OpenVEX statement begins with its justification or its status, and a colon.
    """
    first = rule.reason.partition(":")[0].strip().casefold()
    state = ImpactAnalysisState.NOT_AFFECTED if first in _JUSTIFICATIONS else _STATES.get(first)
    return VulnerabilityAnalysis(state=state, justification=_JUSTIFICATIONS.get(first), detail=suppression_words(rule))


def _facts(found: Vulnerability) -> PropertyFacts:
    yield "severity", found.severity.value
    yield "severity:highest", found.highest.value
    yield from (("found-by", name(scanner)) for scanner in found.scanners)
    yield from (("not-found-by", name(scanner)) for scanner in found.not_found_by)
    yield from (("not-looked-by", name(scanner)) for scanner in found.not_looked_by)
    yield from (("fixed-by", name(version)) for version in found.fixed_by)
    yield from (("fix-state", state.value) for state in found.fix_states)
    yield from (("path", name(path)) for path in found.paths)
    yield from (("layer", name(layer)) for layer in found.layers)
    yield from (("purl", name(purl)) for purl in found.purls)
    for package in found.source_packages:
        yield "source-package", " ".join(map(name, filter(None, (package.name, package.version))))
    if found.suppressed:
        yield "suppressed", name(found.suppressed.rule)
        yield "suppressed:until", found.suppressed.until.isoformat() if found.suppressed.until else ""
        yield "suppressed:by", name(found.suppressed.by)


def order_ratings(entry: dict[str, Any]) -> None:
    """Put the ratings of a written entry in order: the severity that is shown, then the others, the highest first.

    The library sorts them by the words. Programs that take the first one, or the first with a severity, read what is
    shown; those that go on to the next never start with a lower one.

    Args:
        entry: An entry of ``vulnerabilities``, as it is written.
    """
    if ratings := entry.get("ratings"):
        ratings.sort(key=lambda one: (_is_ours(one), _height(one)), reverse=True)


def _is_ours(rating: Mapping[str, Any]) -> bool:
    return bool(rating.get("source", {}).get("name") == PROGRAM)


def _height(rating: Mapping[str, Any]) -> int:
    """Return how high a written rating is; one that has a score only, by the score."""
    if "severity" in rating:
        return _HEIGHTS[rating["severity"]]
    return _HEIGHTS[_SEVERITIES[Severity.from_score(float(rating.get("score", -1)))].value]


def _make_ratings(found: Vulnerability) -> Iterator[VulnerabilityRating]:
    """Yield the severity that is shown; of each scanner its rating, its scores, and those of vendors that it names."""
    yield VulnerabilityRating(
        source=VulnerabilitySource(name=PROGRAM),
        severity=_SEVERITIES[found.severity],
        method=VulnerabilityScoreSource.OTHER,
        justification=f"the severity that is shown, {found.severity.value}; the highest is {found.highest.value}",
    )
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


def doubt_entry(doubt: Doubt, image_ref: str, number: int) -> Entry:
    """Return the entry of one doubt about an image: severity unknown, in triage."""
    source = VulnerabilitySource(name=PROGRAM)
    return Entry(
        bom_ref=f"{image_ref}-doubt-{number}",
        id=NOT_COMPLETE,
        source=source,
        ratings=[VulnerabilityRating(source=source, severity=VulnerabilitySeverity.UNKNOWN)],
        description=f"Not everything is known of this image: {doubt.sentence}",
        recommendation=f"{doubt.advice} Until then nobody knows what is missing.",
        analysis=VulnerabilityAnalysis(state=ImpactAnalysisState.IN_TRIAGE, detail=doubt.sentence),
        affects=[BomTarget(ref=image_ref)],
        properties=properties([("outcome", doubt.outcome), ("scanner", doubt.scanner)]),
    )


def properties(facts: PropertyFacts) -> list[Property]:
    """Return properties ``portus-scanners:NAME``; empty values are left out. Values must be safe."""
    return [Property(name=f"{_NAMESPACE}:{name}", value=value) for name, value in facts if value]
