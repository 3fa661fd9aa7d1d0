"""The report of one image: its runs, their findings merged, and the verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

from portus_images import Image

from ..models import ImageReport, Outcome, ScannerRun, Severity, SeverityPolicy, Verdict, Vulnerability
from .names import AliasLists, CanonicalIds, FindingNames, names_of
from .packages import FindingGroup, Found, PackagePlaces, group_findings
from .vulnerability import Witnesses, make_vulnerability

_HIGHEST = SeverityPolicy()
_ID = attrgetter("id")
_PACKAGE = attrgetter("package.name", "package.version", "package.namespace")
_PIECE = 5_000
"""What is sorted or freed in one step: 10 ms or so, during which no event loop goes on."""


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
    merged, notes = _merge(runs, severity)
    return ImageReport(image=image, verdict=judge(runs), results=runs, vulnerabilities=merged, notes=notes)


def judge(runs: Iterable[ScannerRun]) -> Verdict:
    """Return the verdict.

    Returns:
        `CLEAN` only when there are runs, all of them ended `ok`, none found anything, and none says that the support of
        the distribution has ended.
    """
    runs = tuple(runs)
    if any(run.report is not None and run.report.findings for run in runs):
        return Verdict.VULNERABLE
    ended = any(run.report is not None and run.report.end_of_life is not None for run in runs)
    whole = runs and all(run.outcome is Outcome.OK for run in runs)
    return Verdict.CLEAN if whole and not ended else Verdict.UNKNOWN


def _merge(runs: tuple[ScannerRun, ...], severity: SeverityPolicy) -> tuple[tuple[Vulnerability, ...], tuple[str, ...]]:
    """Return what was found, each vulnerability once, and what the reader of that must know.

    Findings mean the same when they are about one canonical id (`CanonicalIds`) and in the same package
    (`PackagePlaces`, `group_findings`). Each finding is in at least one vulnerability; one that names several CVEs, or
    leaves out which version it means, may be in several. The order of runs and findings does not matter.
    """
    ids, groups = _group(runs)
    aliases = AliasLists(ids, Counter(canonical for canonical, _ in groups))
    listed = [aliases.of(canonical, (one.finding for one in group.members)) for canonical, group in groups]
    witnesses = Witnesses.of(runs)
    merged = [
        make_vulnerability(canonical, names, group, severity, witnesses)
        for (canonical, group), names in zip(groups, listed, strict=True)
    ]
    ordered = _in_order(merged)
    cut = sum(canonical in aliases.cut for canonical, _ in groups)
    _let_go(groups, listed, merged)
    return ordered, tuple(_notes(ids.not_taken_apart, cut, aliases.most))


def _in_order(merged: list[Vulnerability]) -> tuple[Vulnerability, ...]:
    """Return them with the highest severity first, and within one severity by id; only of one id, by package.

    A sort is one step for other threads. That of many is made of short ones, and of one that only joins what is sorted.
    """
    for begin in range(0, len(merged), _PIECE):
        merged[begin : begin + _PIECE] = sorted(merged[begin : begin + _PIECE], key=_ID)
    merged.sort(key=_ID)
    by_severity: dict[Severity, list[Vulnerability]] = defaultdict(list)
    for _, same in groupby(merged, _ID):
        first, *others = same
        for one in sorted((first, *others), key=_PACKAGE) if others else (first,):
            by_severity[one.severity].append(one)
    return tuple(chain.from_iterable(by_severity[one] for one in sorted(by_severity, reverse=True)))


def _let_go(*lists: list[Any]) -> None:
    """Free what was only needed on the way, a piece at a time: a long list at once is one step for other threads."""
    for one in lists:
        while one:
            del one[-_PIECE:]


def _notes(advisories: int, cut: int, most: int) -> Iterator[str]:
    if advisories:
        which = "1 advisory is" if advisories == 1 else f"{advisories} advisories are"
        yield f"{which} about more vulnerabilities than can be told apart: each stands under its own name"
    if cut:
        which = "1 vulnerability has" if cut == 1 else f"{cut} vulnerabilities have"
        yield f"{which} more aliases than can be listed: {most} of them are, and the names that scanners found it by"


def _group(runs: Iterable[ScannerRun]) -> tuple[CanonicalIds, list[tuple[str, FindingGroup]]]:
    """Return the names, and the groups of findings, each with its canonical id."""
    found = [(run.scanner, run.report.findings) for run in runs if run.report]
    packages = PackagePlaces(chain.from_iterable(findings for _, findings in found))
    members = [packages.find(scanner, finding) for scanner, findings in found for finding in findings]
    names = [names_of(member.finding) for member in members]
    weights: dict[FindingNames, int] = defaultdict(int)
    for member, own in zip(members, names, strict=True):
        weights[own] += member.weight
    ids = CanonicalIds(weights)
    by_id: dict[str, list[Found]] = defaultdict(list)
    for member, own in zip(members, names, strict=True):
        for canonical in ids.of(own):
            by_id[canonical].append(member)
    groups = [(canonical, group) for canonical, same in by_id.items() for group in group_findings(same)]
    _let_go(members, names)
    return ids, groups
