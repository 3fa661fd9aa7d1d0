"""Trivy's own JSON.

Source: ``trivy image --format json`` of 0.59 and 0.76, ``SchemaVersion`` 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen
from attrs.validators import min_len
from portus_scanners import Cvss, Finding, InvalidReportError, Package, ScannerReport, Severity, UnsupportedImageError
from portus_scanners.backends import read_time, structure_answer, unique_findings, web_links

from ..subject import Reading, Subject

WHAT = "Trivy's report"
_SCHEMA = 2
_PACKAGES = {None, "", "os-pkgs", "lang-pkgs"}
_VECTORS = (("V40", "4.0"), ("V3", "3"), ("V2", "2.0"))


@frozen
class PackageLayer:
    """The layer that added a package."""

    Digest: str | None = None


@frozen
class Vulnerability:
    """One vulnerability in one package."""

    VulnerabilityID: str = field(validator=min_len(1))
    PkgName: str
    InstalledVersion: str | None = None
    FixedVersion: str | None = None
    Status: str | None = None
    Layer: PackageLayer | None = None
    PrimaryURL: str | None = None
    Title: str | None = None
    Description: str | None = None
    Severity: str | None = None
    CweIDs: tuple[str, ...] | None = None
    CVSS: Mapping[str, Any] | None = None
    References: tuple[str, ...] | None = None
    VendorIDs: tuple[str, ...] | None = None


@frozen
class Result:
    """What was found in one part of the image: the distribution's packages, a lock file."""

    Class: str | None = None
    Type: str | None = None
    Vulnerabilities: tuple[Vulnerability, ...] = ()


@frozen
class Distribution:
    """The distribution, if Trivy recognised one."""

    Family: str
    Name: str | None = None
    EOSL: bool | None = None


@frozen
class ScanMetadata:
    """What was scanned."""

    OS: Distribution | None = None
    ImageID: Any = None
    RepoDigests: Any = None


@frozen
class Program:
    """The program that scanned."""

    Version: str | None = None


@frozen
class TrivyReport:
    """The document."""

    SchemaVersion: int
    ArtifactName: str | None = None
    CreatedAt: str | None = None
    Metadata: ScanMetadata = field(factory=ScanMetadata)
    Results: tuple[Result, ...] | None = None
    Trivy: Program = field(factory=Program)


def read(document: Any) -> Reading:
    """Return what a report of Trivy says.

    Raises:
        UnsupportedImageError: Trivy recognised nothing in the image, or did not look for packages.
        InvalidReportError: The document is not a report of schema 2.
    """
    trivy = structure_answer(document, TrivyReport, WHAT)
    if trivy.SchemaVersion != _SCHEMA:
        raise InvalidReportError(WHAT, faults=["$.SchemaVersion: only 2 is known"])
    results = [one for one in trivy.Results or () if one.Vulnerabilities or one.Class in _PACKAGES]
    if not results:
        raise UnsupportedImageError("Trivy recognised no packages in the image, or did not look for any")
    findings = [_finding(one, _namespace(trivy, result)) for result in results for one in result.Vulnerabilities]
    report = ScannerReport(
        findings=unique_findings(findings),
        notes=tuple(_notes(trivy.Metadata.OS)),
        scanner_version=f"Trivy {trivy.Trivy.Version or ''}".strip(),
    )
    return Reading(report=report, subject=_subject(trivy), made=read_time(trivy.CreatedAt or ""))


def _subject(trivy: TrivyReport) -> Subject:
    digests = trivy.Metadata.RepoDigests
    return Subject(
        configs=(trivy.Metadata.ImageID,),
        digests=digests if isinstance(digests, list) else (),
        names=(trivy.ArtifactName,),
    )


def _notes(distribution: Distribution | None) -> Iterator[str]:
    if distribution is None:
        yield "Trivy recognised no distribution: its packages were not scanned"
    elif distribution.EOSL:
        yield "the distribution is no longer supported: vulnerabilities found since then are not known"


def _namespace(trivy: TrivyReport, result: Result) -> str:
    distribution = trivy.Metadata.OS
    if result.Class == "lang-pkgs" or distribution is None:
        return result.Type or ""
    return ":".join(part for part in (distribution.Family, distribution.Name) if part)


def _finding(one: Vulnerability, namespace: str) -> Finding:
    ratings = tuple(_ratings(one.CVSS or {}))
    word = (one.Severity or "").strip()
    details = {"status": one.Status or "", "cwe_ids": " ".join(one.CweIDs or ())}
    return Finding(
        id=one.VulnerabilityID,
        aliases=tuple(dict.fromkeys(name.strip() for name in one.VendorIDs or () if name.strip())),
        severity=Severity.from_word(word),
        severity_label=word,
        package=Package(one.PkgName.strip(), (one.InstalledVersion or "").strip(), namespace),
        fixed_by=tuple(part.strip() for part in (one.FixedVersion or "").split(",") if part.strip()),
        links=web_links([one.PrimaryURL or "", *(one.References or ())]),
        title=" ".join((one.Title or "").split()),
        description=one.Description or "",
        cvss=ratings,
        layer=(one.Layer.Digest if one.Layer else None) or None,
        details={key: value for key, value in details.items() if value},
    )


def _ratings(sources: Mapping[str, Any]) -> Iterator[Cvss]:
    """Yield each vector with its score, leaving out what has another form: the word decides the severity."""
    for source, rating in sorted(sources.items()):
        for key, version in _VECTORS if isinstance(rating, dict) else ():
            vector, score = rating.get(f"{key}Vector"), rating.get(f"{key}Score")
            if isinstance(vector, str) and vector:
                number = float(score) if type(score) in {int, float} else None
                yield Cvss.from_vector(vector, version=version, score=number, source=source)
