"""Findings of several scanners -> vulnerabilities and a verdict. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from attrs import frozen

from .models import (
    Finding,
    Image,
    ImageReport,
    Outcome,
    Package,
    Rating,
    ScannerRun,
    Severity,
    Verdict,
    Vulnerability,
)

__all__ = ["judge", "make_image_report", "merge"]


@frozen
class _Found:
    """A finding and who found it."""

    scanner: str
    finding: Finding


def make_image_report(image: Image, results: Iterable[ScannerRun]) -> ImageReport:
    """Return the report of one image: its runs in the given order, their findings merged, and the verdict."""
    runs = tuple(results)
    return ImageReport(image=image, verdict=judge(runs), results=runs, vulnerabilities=merge(runs))


def judge(runs: Iterable[ScannerRun]) -> Verdict:
    """Return the verdict: `CLEAN` only when somebody was asked, everybody ended `ok`, and nobody found anything."""
    runs = tuple(runs)
    if any(run.report is not None and run.report.findings for run in runs):
        return Verdict.VULNERABLE
    if runs and all(run.outcome is Outcome.OK for run in runs):
        return Verdict.CLEAN
    return Verdict.UNKNOWN


def merge(runs: Iterable[ScannerRun]) -> tuple[Vulnerability, ...]:
    """Return what was found, each thing once, whoever found it: highest severity first, then by id and package.

    Findings mean the same when id, package name and version are the same and the namespaces do not contradict each
    other (many backends name none). The order of the runs does not matter.
    """
    groups: dict[tuple[str, str, str], list[_Found]] = defaultdict(list)
    for run in runs:
        for finding in run.report.findings if run.report else ():
            package = finding.package
            groups[finding.id, package.name, package.version].append(_Found(run.scanner, finding))
    merged = [_vulnerability(found) for group in groups.values() for found in _by_namespace(group)]
    # two stable sorts: highest severity first, and within one severity by name
    merged.sort(key=lambda one: (one.id, one.package.name, one.package.version, one.package.namespace))
    merged.sort(key=lambda one: one.severity, reverse=True)
    return tuple(merged)


def _by_namespace(group: list[_Found]) -> Iterator[list[_Found]]:
    """Split by namespace; findings without one join the only other, if there is only one."""
    parts: dict[str, list[_Found]] = defaultdict(list)
    for found in group:
        parts[found.finding.package.namespace].append(found)
    if len(parts) == 2 and "" in parts:  # noqa: PLR2004
        yield group
    else:
        yield from parts.values()


def _vulnerability(group: list[_Found]) -> Vulnerability:
    group = sorted(group, key=lambda found: (found.scanner, found.finding.package.namespace))
    findings = [found.finding for found in group]
    first = findings[0]
    namespace = max(finding.package.namespace for finding in findings)
    ratings = tuple(sorted(_ratings(group), key=_rating_order))
    return Vulnerability(
        id=first.id,
        severity=max((finding.severity for finding in findings), default=Severity.UNKNOWN),
        package=Package(first.package.name, first.package.version, namespace),
        fixed_by=_each_once(version for finding in findings for version in finding.fixed_by),
        links=_each_once(link for finding in findings for link in finding.links),
        title=next((finding.title for finding in findings if finding.title), ""),
        description=next((finding.description for finding in findings if finding.description), ""),
        ratings=ratings,
        scanners=_each_once(found.scanner for found in group),
    )


def _ratings(group: list[_Found]) -> Iterator[Rating]:
    seen = set()
    for found in group:
        finding = found.finding
        rating = Rating(
            scanner=found.scanner, severity=finding.severity, label=finding.severity_label, cvss=finding.cvss
        )
        if rating not in seen:
            seen.add(rating)
            yield rating


def _rating_order(rating: Rating) -> tuple[str, list[Severity], str, str]:
    return rating.scanner, [rating.severity], rating.label, repr(rating.cvss)


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
