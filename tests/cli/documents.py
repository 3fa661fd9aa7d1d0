"""Reports made on the spot."""

from __future__ import annotations

from portus_scanners import (
    Finding,
    Image,
    ImageReport,
    Layer,
    Outcome,
    Package,
    Platform,
    Reference,
    ReportDocument,
    ScannerReport,
    ScannerRun,
    Severity,
    UnresolvedImage,
    make_image_report,
)

WITHOUT_REPORT = {Outcome.UNSUPPORTED, Outcome.PENDING, Outcome.TIMED_OUT, Outcome.FAILED, Outcome.CANCELLED}
UNRESOLVED = UnresolvedImage(reference="registry.example/gone:1", step="manifest", message="there is no such tag")


def make_image(text: str = "registry.example/team/app:1.0") -> Image:
    """Return a resolved image with two layers."""
    layers = tuple(Layer(digest=f"sha256:{digit * 64}", size=1) for digit in "bc")
    return Image(
        reference=Reference.parse(text), digest="sha256:" + "a" * 64, platform=Platform("linux", "amd64"), layers=layers
    )


def make_run(scanner: str, outcome: Outcome, *findings: Finding, error: str | None = None) -> ScannerRun:
    """Return a run that ended so; one that is not ok has a report only where there are findings."""
    report = None
    if outcome in {Outcome.OK, Outcome.INCOMPLETE} or findings:
        report = ScannerReport(findings=findings, complete=outcome is Outcome.OK)
    why = None if outcome is Outcome.OK else error or f"it ended {outcome.value}"
    return ScannerRun(scanner=scanner, plugin=scanner, outcome=outcome, error=why, report=report, elapsed=1.25)


def make_finding(name: str = "CVE-2016-6304", severity: Severity = Severity.HIGH, **more: object) -> Finding:
    """Return a finding in openssl."""
    values = {"package": Package("openssl", "1.0.2h", "debian:8"), "fixed_by": ("1.0.2i",), **more}
    return Finding(id=name, severity=severity, **values)


def make_report(*runs: ScannerRun, image: Image | None = None) -> ImageReport:
    """Return the report that these runs give."""
    return make_image_report(image or make_image(), runs)


def make_document(*runs: ScannerRun, errors: tuple[UnresolvedImage, ...] = ()) -> ReportDocument:
    """Return a document with one image."""
    return ReportDocument(reports=(make_report(*runs),), errors=errors)
