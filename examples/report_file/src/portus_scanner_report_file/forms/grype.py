"""Grype's own JSON.

Source: anchore/grype, ``grype/presenter/models``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import Cvss, Finding, Package, ScannerError, ScannerReport, Severity
from portus_scanners.backends import one_line, read_time, structure_answer, unique_findings, web_links

from ..subject import Reading, Subject

WHAT = "Grype's report"


@frozen
class Metrics:
    """Scores."""

    baseScore: float | None = None


@frozen
class Rating:
    """One CVSS rating."""

    version: str | None = None
    vector: str | None = None
    source: str | None = None
    metrics: Metrics = field(factory=Metrics)


@frozen
class Fix:
    """What fixes the vulnerability."""

    versions: tuple[str, ...] | None = None
    state: str | None = None


@frozen
class Vulnerability:
    """A vulnerability, as one source describes it."""

    id: str = field(validator=min_len(1))
    dataSource: str | None = None
    namespace: str | None = None
    severity: str | None = None
    urls: tuple[str, ...] | None = None
    description: str | None = None
    cvss: tuple[Rating, ...] | None = None
    fix: Fix = field(factory=Fix)


@frozen
class Artifact:
    """A package."""

    name: str
    version: str | None = None
    type: str | None = None


@frozen
class RelatedVulnerability:
    """The CVE of GitHub's or a distribution's advisory."""

    id: str


@frozen
class Match:
    """One vulnerability in one package."""

    vulnerability: Vulnerability
    artifact: Artifact
    relatedVulnerabilities: tuple[RelatedVulnerability, ...] | None = None
    """Other names; for an advisory, the vulnerabilities that it is about."""


@frozen
class Source:
    """What was scanned, such as ``image`` or ``directory``."""

    type: str
    target: Any = None


@frozen
class Distro:
    """The distribution; its name is empty if none was recognised."""

    name: str | None = None
    version: str | None = None


@frozen
class Descriptor:
    """The version of Grype, the time of the scan, the database."""

    name: str | None = None
    version: str | None = None
    timestamp: str | None = None
    db: Any = None


@frozen
class GrypeReport:
    """The document."""

    matches: tuple[Match, ...]
    ignoredMatches: tuple[Any, ...] | None = None
    source: Source | None = None
    distro: Distro | None = None
    descriptor: Descriptor = field(factory=Descriptor)


def read(document: Any) -> Reading:
    """Return what a report of Grype says.

    Raises:
        InvalidReportError: The document is not a report of Grype.
        ScannerError: The report is not about an image.
    """
    grype = structure_answer(document, GrypeReport, WHAT)
    if grype.source is not None and grype.source.type != "image":
        raise ScannerError(f"Grype's report is about a {one_line(grype.source.type)}, not about an image")
    report = ScannerReport(
        findings=unique_findings(_finding(match, grype.distro) for match in grype.matches),
        notes=tuple(_notes(grype)),
        scanner_version=f"Grype {grype.descriptor.version or ''}".strip(),
        database_updated=read_time(_built(grype.descriptor.db)),
    )
    return Reading(report=report, subject=_subject(grype), made=read_time(grype.descriptor.timestamp or ""))


def _subject(grype: GrypeReport) -> Subject:
    target = grype.source.target if grype.source else None
    target = target if isinstance(target, dict) else {}
    tags, digests = target.get("tags"), target.get("repoDigests")
    return Subject(
        configs=(target.get("imageID"),),
        digests=(target.get("manifestDigest"), *(digests if isinstance(digests, list) else ())),
        names=(target.get("userInput"), *(tags if isinstance(tags, list) else ())),
    )


def _built(database: Any) -> str:
    """Return when the database was built; newer versions nest that one level deeper."""
    status = database.get("status", database) if isinstance(database, dict) else None
    built = status.get("built") if isinstance(status, dict) else None
    return built if isinstance(built, str) else ""


def _notes(grype: GrypeReport) -> Iterator[str]:
    if not (grype.distro and grype.distro.name):
        yield "Grype recognised no distribution: its packages were not scanned"
    if grype.ignoredMatches:
        yield f"{len(grype.ignoredMatches)} matches are left out by ignore rules of the report's author"


def _finding(match: Match, distro: Distro | None) -> Finding:
    one, package = match.vulnerability, match.artifact
    ratings = tuple(_ratings(one))
    word = (one.severity or "").strip()
    is_system = package.type in {"deb", "rpm", "apk", "alpm"} and distro
    namespace = f"{distro.name}:{distro.version}" if is_system and distro else package.type or ""
    return Finding(
        id=one.id,
        aliases=tuple(dict.fromkeys(_related(match))),
        severity=Severity.from_word(word),
        severity_label=word,
        package=Package(package.name.strip(), (package.version or "").strip(), namespace),
        fixed_by=one.fix.versions or (),
        links=web_links([one.dataSource or "", *(one.urls or ())]),
        description=one.description or "",
        cvss=ratings,
        details={"fix_state": one.fix.state} if one.fix.state else {},
    )


def _related(match: Match) -> Iterator[str]:
    names = (related.id.strip() for related in match.relatedVulnerabilities or ())
    return (name for name in names if name and name != match.vulnerability.id)


def _ratings(one: Vulnerability) -> Iterator[Cvss]:
    for rating in one.cvss or ():
        if rating.vector:
            yield Cvss.from_vector(
                rating.vector,
                version=rating.version or "",
                score=rating.metrics.baseScore,
                source=rating.source or "",
            )
