"""Findings of several scanners -> vulnerabilities and a verdict. Pure functions.

`groups.py` says which findings mean the same, `namespaces.py` which distributions are one, `vulnerability.py` makes one
vulnerability of a group.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from ..models import Image, ImageReport, Outcome, ScannerRun, SeverityPolicy, Verdict, Vulnerability
from .groups import Found, group_findings
from .vulnerability import make_vulnerability

__all__ = ["judge", "make_image_report", "merge"]


_HIGHEST = SeverityPolicy()


def make_image_report(
    image: Image, results: Iterable[ScannerRun], *, severity: SeverityPolicy = _HIGHEST
) -> ImageReport:
    """Return the report of one image: its runs in the given order, their findings merged, and the verdict.

    Args:
        image: What was scanned.
        results: One run for each scanner.
        severity: Which of several severities is shown.
    """
    runs = tuple(results)
    return ImageReport(image=image, verdict=judge(runs), results=runs, vulnerabilities=merge(runs, severity))


def judge(runs: Iterable[ScannerRun]) -> Verdict:
    """Return the verdict: `CLEAN` only when somebody was asked, everybody ended `ok`, and nobody found anything."""
    runs = tuple(runs)
    if any(run.report is not None and run.report.findings for run in runs):
        return Verdict.VULNERABLE
    if runs and all(run.outcome is Outcome.OK for run in runs):
        return Verdict.CLEAN
    return Verdict.UNKNOWN


def merge(runs: Iterable[ScannerRun], severity: SeverityPolicy = _HIGHEST) -> tuple[Vulnerability, ...]:
    """Return what was found, each thing once, whoever found it: highest severity first, then by id and package.

    Findings mean the same when their ids are the same, their namespaces do not contradict each other (many backends
    name none), and they name the same package and version; or one names the source package, and others what was built
    from it. The order of the runs does not matter.
    """
    found = [Found(run.scanner, finding) for run in runs for finding in (run.report.findings if run.report else ())]
    groups = map(make_vulnerability, group_findings(found))
    merged = [evolve(one, severity=severity.choose(one.ratings)) for one in groups]
    # two stable sorts: highest severity first, and within one severity by name
    merged.sort(key=lambda one: (one.id, one.package.name, one.package.version, one.package.namespace))
    merged.sort(key=lambda one: one.severity, reverse=True)
    return tuple(merged)
