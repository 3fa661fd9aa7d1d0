"""The merge alone."""

from __future__ import annotations

from collections.abc import Iterable

from portus_scanners import Image, Reference, ScannerRun, SeverityPolicy, Vulnerability, make_image_report

IMAGE = Image(reference=Reference.parse("app:1"), digest="sha256:" + "b" * 64)


def merge(runs: Iterable[ScannerRun], severity: SeverityPolicy | None = None) -> tuple[Vulnerability, ...]:
    """Return what the runs of an image have found, merged."""
    return make_image_report(IMAGE, runs, severity=severity or SeverityPolicy()).vulnerabilities
