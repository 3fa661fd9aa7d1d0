"""Row 8: what one image costs from a scanner's findings to the merged report, as the engine does it.

The 121 findings are as Trivy tells them of an old image of Debian: a package URL, a source package, the ratings of
three vendors, and a dozen links each. They are taken apart at the boundary, and merged.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from portus_scanners import (
    Cvss,
    Finding,
    ImageReport,
    Outcome,
    Package,
    ScannerReport,
    ScannerRun,
    Severity,
    VendorRating,
    make_image_report,
)
from portus_scanners.engine.boundary import take_report_now

from .instant import make_image
from .rows import BenchmarkRow, RunSize, repeat

FINDINGS = 121
_PACKAGES = 40
_VENDORS = ("debian", "nvd", "redhat")
_IMAGE = make_image(1)
_TIME = datetime(2026, 8, 1, tzinfo=UTC)
_TEXT = "A flaw was found in the way that a function handled data that came from elsewhere. " * 4
_PLANS: dict[RunSize, tuple[int, float]] = {"small": (9, 30.0), "full": (101, 15.0)}


def measure(size: RunSize) -> list[BenchmarkRow]:
    """Return the row: milliseconds of CPU, on whatever machine this is."""
    runs, limit = _PLANS[size]
    report = ScannerReport(findings=[_make_finding(number) for number in range(FINDINGS)])
    _merge(report)  # the first has imports in it
    seconds = []
    for _ in repeat("8", runs):
        begin = time.process_time()
        _merge(report)
        seconds.append(time.process_time() - begin)
    name = f"8 from {FINDINGS} findings to the merged report, ms"
    return [BenchmarkRow(name=name, limit=limit, runs=[one * 1000 for one in seconds])]


def _merge(report: ScannerReport) -> ImageReport:
    run = ScannerRun(scanner="trivy", plugin="trivy", outcome=Outcome.OK, report=take_report_now(report))
    return make_image_report(_IMAGE, [run])


def _make_finding(number: int) -> Finding:
    name, version = f"lib{number % _PACKAGES}", f"1.{number % _PACKAGES}-1"
    identity = f"CVE-2024-{number:05}"
    severities = [Severity.LOW, Severity.HIGH, Severity.MEDIUM]
    return Finding(
        id=identity,
        aliases=(f"GHSA-{number:04}",),
        severity=severities[number % 3],
        severity_label="HIGH",
        severity_source="nvd",
        vendor_ratings=tuple(
            VendorRating(source=source, severity=severity, label=severity.value)
            for source, severity in zip(_VENDORS, severities, strict=True)
        ),
        package=Package(name, version, "debian:12"),
        source_package=Package(f"source-{number % _PACKAGES}", version, "debian:12"),
        purl=f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12",
        fixed_by=(f"1.{number}-2",),
        links=tuple(f"https://vendor-{place}.example/advisories/{identity}" for place in range(12)),
        title=f"{name}: a flaw",
        description=_TEXT,
        cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", score=9.8, source="nvd"),),
        published=_TIME,
        modified=_TIME,
    )
