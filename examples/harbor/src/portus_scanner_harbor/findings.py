"""Makes a report of an adapter's answers. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from portus_scanners import (
    Cvss,
    Database,
    Finding,
    Image,
    InvalidReportError,
    Package,
    ScannerError,
    ScannerReport,
    Severity,
    UnsupportedImageError,
)
from portus_scanners.backends import read_time, unique_findings, web_links

from .wire import (
    DATABASE_UPDATED,
    REPORT_TYPES,
    VULNERABILITY,
    Capability,
    Metadata,
    Report,
    Vulnerability,
)

WHAT = "the adapter's report"


def choose_report(metadata: Metadata, media_type: str) -> tuple[Capability, str]:
    """Return the capability for an image, and the type of report to ask for.

    Args:
        metadata: The adapter's metadata.
        media_type: The media type of the image's manifest.

    Raises:
        UnsupportedImageError: The adapter does not accept such an image.
        ScannerError: The adapter makes none of the reports that this plugin reads.
    """
    able = [one for one in metadata.capabilities if one.type in {None, VULNERABILITY}]
    taking = [one for one in able if _plain(media_type) in map(_plain, one.consumes_mime_types)]
    if able and not taking:
        raise UnsupportedImageError(f"the adapter accepts no image of the type {media_type or '(unknown)'}")
    for report_type in REPORT_TYPES:
        for capability in taking:
            if _plain(report_type) in map(_plain, capability.produces_mime_types):
                return capability, report_type
    raise ScannerError("the adapter makes no report of vulnerabilities that this plugin knows")


def make_report(report: Report, metadata: Metadata, image: Image) -> ScannerReport:
    """Return the report of an image.

    Raises:
        InvalidReportError: The adapter's report is about another artifact, or lacks its vulnerabilities.
    """
    findings = unique_findings(map(_finding, _vulnerabilities(report, image)))
    return ScannerReport(
        findings=findings,
        scanner_version=str(report.scanner or metadata.scanner),
        database=_database(metadata),
    )


def _database(metadata: Metadata) -> Database | None:
    """Return the date of the adapter's data, which says which data it is; None where the adapter does not tell it."""
    said = (metadata.properties or {}).get(DATABASE_UPDATED)
    updated = read_time(said) if isinstance(said, str) else None
    return Database(identity=updated.isoformat(), updated=updated) if updated else None


def _vulnerabilities(report: Report, image: Image) -> tuple[Vulnerability, ...]:
    about = report.artifact.digest if report.artifact else None
    if about and about != image.digest:
        raise InvalidReportError(WHAT, faults=["$.artifact.digest: the report is about another artifact"])
    if report.vulnerabilities is not None:
        return report.vulnerabilities
    # left out or null: taken for "none" only if the report is certainly about this image and does not contradict itself
    if not about or Severity.from_word(report.severity or "") > Severity.NEGLIGIBLE:
        raise InvalidReportError(WHAT, faults=["$.vulnerabilities: missing"])
    return ()


def _finding(one: Vulnerability) -> Finding:
    ratings = tuple(_ratings(one))
    word = (one.severity or "").strip()
    return Finding(
        id=one.id,
        severity=Severity.from_word(word) if word else _severity_of(ratings),
        severity_label=word,
        package=Package((one.package or "").strip(), (one.version or "").strip()),
        fixed_by=(one.fix_version.strip(),) if one.fix_version and one.fix_version.strip() else (),
        links=web_links(one.links or ()),
        description=one.description or "",
        cvss=ratings,
        layer=(one.layer.digest if one.layer else None) or None,
        details={"cwe_ids": " ".join(one.cwe_ids)} if one.cwe_ids else {},
    )


def _ratings(one: Vulnerability) -> Iterator[Cvss]:
    details = one.preferred_cvss
    if details is None:
        return
    for version, vector, score in (
        ("3", details.vector_v3, details.score_v3),
        ("2.0", details.vector_v2, details.score_v2),
    ):
        if vector or score is not None:
            yield Cvss.from_vector(vector or "", version=version, score=score)


def _severity_of(ratings: tuple[Cvss, ...]) -> Severity:
    return next((Severity.from_score(one.score) for one in ratings if one.score is not None), Severity.UNKNOWN)


def _plain(mime_type: str) -> str:
    return "".join(mime_type.split()).lower()
