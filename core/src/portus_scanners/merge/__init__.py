"""Findings of several scanners -> vulnerabilities and a verdict. Pure functions.

`names.py` knows how vulnerabilities are called, `canonical.py` which of these names mean one, `places.py` under which
package a finding is counted, `namespaces.py` which distributions are one, `groups.py` which findings are in the same
package, `witnesses.py` who looked; `vulnerability.py` makes one vulnerability of a group; `combine.py` makes one report
of several. ``docs/reference/merging.md`` has the rules for users.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from portus_images import Image

from ..models import ImageReport, Outcome, ScannerRun, SeverityPolicy, Verdict, Vulnerability
from .canonical import CanonicalIds
from .groups import Found, Group, group_findings
from .names import read_statement
from .places import Places
from .vulnerability import make_vulnerability
from .witnesses import Witnesses

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
    """Return what was found, each thing once, whoever found it: highest shown severity first, then by id and package.

    Findings mean the same when they are about one canonical id (`CanonicalIds`) and in the same package (`Places`,
    `group_findings`). Each finding is in at least one vulnerability; one that names several CVEs, or leaves out which
    version it means, may be in several. The order of runs and findings does not matter.

    Args:
        runs: Those of one image.
        severity: Which of several severities is shown.
    """
    runs = tuple(runs)
    witnesses = Witnesses.of(runs)
    merged = [
        make_vulnerability(canonical, aliases, group, severity, witnesses) for canonical, aliases, group in _group(runs)
    ]
    # two stable sorts: highest severity first, and within one severity by name
    merged.sort(key=lambda one: (one.id, one.package.name, one.package.version, one.package.namespace))
    merged.sort(key=lambda one: one.severity, reverse=True)
    return tuple(merged)


def _group(runs: Iterable[ScannerRun]) -> Iterator[tuple[str, tuple[str, ...], Group]]:
    """Give the groups of findings, each with its canonical id and the other names of that."""
    found = [(run.scanner, finding) for run in runs for finding in (run.report.findings if run.report else ())]
    places = Places([finding for _, finding in found])
    statements = [read_statement(finding) for _, finding in found]
    ids = CanonicalIds(Counter(statements))
    by_id: dict[str, list[Found]] = defaultdict(list)
    for (scanner, finding), statement in zip(found, statements, strict=True):
        one = Found(scanner, finding, places.of(finding))
        for canonical in ids.of(statement):
            by_id[canonical].append(one)
    for canonical, same in by_id.items():
        for group in group_findings(same):
            yield canonical, ids.aliases(canonical), group
