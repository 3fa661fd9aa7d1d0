"""Documents for the gate and the diff: what a vulnerability is in, and which other name it has, depends on its id."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st
from portus_scanners import (
    Database,
    Finding,
    Image,
    ImageReport,
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

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
APP = "registry.example/team/app:1"
AMD64 = Platform("linux", "amd64")
SCANNERS = ("clair", "trivy", "zypper")
IDS = ("CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003")
UNRESOLVED = UnresolvedImage(reference="registry.example/gone:1", step="manifest", message="there is no such tag")


def finding(name: str = IDS[0], severity: Severity = Severity.HIGH, **more: object) -> Finding:
    """Make a finding, always in the same package."""
    values = {"package": Package(f"package-{name[-1]}", "1.0", "debian:12"), **more}
    return Finding(id=name, severity=severity, **values)


def run(scanner: str, *findings: Finding, outcome: Outcome = Outcome.OK, updated: datetime | None = None) -> ScannerRun:
    """Make a run; one that did not end ok has a report where there are findings, or it is incomplete."""
    complete = outcome is Outcome.OK
    has_report = complete or findings or outcome is Outcome.INCOMPLETE
    database = Database(identity="today's", updated=updated) if updated else None
    report = ScannerReport(findings=findings, complete=complete, database=database) if has_report else None
    return ScannerRun(scanner=scanner, plugin="acme", outcome=outcome, error=None if complete else "why", report=report)


def image(text: str = APP, digest: str = "a", platform: Platform | None = AMD64) -> Image:
    """Make an image."""
    return Image(reference=Reference.parse(text), digest=f"sha256:{digest * 64}", platform=platform)


def report(*runs: ScannerRun, of: Image | None = None) -> ImageReport:
    """Make the report of these runs."""
    return make_image_report(of or image(), runs)


def document(*runs: ScannerRun) -> ReportDocument:
    """Make a document of one image."""
    return ReportDocument(reports=(report(*runs),))


def ids(vulnerabilities: Iterable[object]) -> list[str]:
    """Return what they are called."""
    return [one.id for one in vulnerabilities]  # type: ignore[attr-defined]


findings = st.builds(
    finding,
    st.sampled_from(IDS),
    st.sampled_from(Severity),
    fixed_by=st.sampled_from([(), ("2.0",)]),
)


def runs_of(scanner: str) -> st.SearchStrategy[ScannerRun]:
    """Runs of one scanner, with every outcome."""
    some = st.lists(findings, max_size=3)
    return st.builds(lambda found, outcome: run(scanner, *found, outcome=outcome), some, st.sampled_from(Outcome))


run_lists = st.tuples(*(st.none() | runs_of(name) for name in SCANNERS)).map(
    lambda runs: [one for one in runs if one is not None]
)
image_reports = st.builds(
    lambda runs, text, digest: report(*runs, of=image(text, digest)),
    run_lists,
    st.sampled_from([APP, "registry.example/other:2"]),
    st.sampled_from(["a", "b"]),
)
documents = st.builds(
    lambda reports, errors: ReportDocument(reports=tuple(reports), errors=tuple(errors)),
    st.lists(image_reports, max_size=3),
    st.lists(st.just(UNRESOLVED), max_size=1),
)
