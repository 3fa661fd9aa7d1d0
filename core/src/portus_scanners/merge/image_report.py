"""The report of one image: its runs, their findings merged, and the verdict.

Nothing of findings that mean the same is overwritten in their vulnerability: what differs is kept side by side.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

from portus_images import Image

from ..models import (
    HIGHEST_FIRST,
    Finding,
    FixState,
    ImageReport,
    MatchedBy,
    Outcome,
    Package,
    Rating,
    ScannerRun,
    Severity,
    SeverityPolicy,
    Verdict,
    Vulnerability,
)
from .names import AliasLists, CanonicalIds, FindingNames, names_of
from .packages import FindingGroup, Found, PackagePlaces, group_findings

_HIGHEST = SeverityPolicy()
_ID = attrgetter("id")
_PACKAGE = attrgetter("package.name", "package.version", "package.namespace")
_BINARY, _SOURCE = attrgetter("package"), attrgetter("source_package")
_FIX_STATE, _FIXED_BY = attrgetter("fix_state"), attrgetter("fixed_by")
_PUBLISHED, _MODIFIED = attrgetter("published"), attrgetter("modified")
_PIECE = 5_000
"""What is sorted or freed in one step: 10 ms or so, during which no event loop goes on."""


def make_image_report(
    image: Image, results: Iterable[ScannerRun], *, severity: SeverityPolicy = _HIGHEST
) -> ImageReport:
    """Return the report of one image: its runs in the given order, their findings merged, and the verdict."""
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
    cut = aliases.cut
    notes = tuple(_notes(ids.not_taken_apart, sum(canonical in cut for canonical, _ in groups), aliases.most))
    looked = sorted({run.scanner for run in runs if run.outcome is Outcome.OK})
    others = sorted({run.scanner for run in runs}.difference(looked))
    merged = [
        _make_vulnerability(canonical, names, group, severity, looked, others)
        for (canonical, group), names in zip(groups, listed, strict=True)
    ]
    ordered = _in_order(merged)
    _let_go(groups, listed, merged)
    return ordered, notes


def _in_order(merged: list[Vulnerability]) -> tuple[Vulnerability, ...]:
    """Return them with the highest severity first, and within one severity by id; only of one id, by package.

    A sort is one step for other threads. That of many is made of short ones, and of one that only joins what is sorted.
    """
    for begin in range(0, len(merged), _PIECE):
        merged[begin : begin + _PIECE] = sorted(merged[begin : begin + _PIECE], key=_ID)
    merged.sort(key=_ID)
    by_severity: dict[Severity, list[Vulnerability]] = {one: [] for one in HIGHEST_FIRST}
    for _, same in groupby(merged, _ID):
        first, *others = same
        for one in sorted((first, *others), key=_PACKAGE) if others else (first,):
            by_severity[one.severity].append(one)
    return tuple(chain.from_iterable(by_severity.values()))


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


def _make_vulnerability(
    canonical: str,
    aliases: tuple[str, ...],
    group: FindingGroup,
    policy: SeverityPolicy,
    looked: Sequence[str],
    others: Sequence[str],
) -> Vulnerability:
    """Return what the findings of a group say together; *looked* are the scanners whose runs ended `ok`, sorted."""
    members = group.members
    if len(members) > 1:
        members = sorted(members, key=lambda found: finding_order(found.scanner, found.finding, canonical))
    findings = [found.finding for found in members]
    ratings = tuple(map(_rating, members))
    severity = ratings[0].severity
    if len(ratings) > 1:  # most have one, and what tells equal ones apart is all that is in them
        ratings = tuple(sorted(set(ratings), key=_rating_order))
        severity = policy.choose(ratings)
    scanners = tuple(sorted({found.scanner for found in members}))
    return Vulnerability(
        id=canonical,
        aliases=aliases,
        package=group.package,
        matched_by=MatchedBy.PACKAGE if all(found.direct for found in members) else MatchedBy.SOURCE,
        packages=_sorted_packages(map(_BINARY, findings)),
        source_packages=_sorted_packages(map(_SOURCE, findings)),
        fix_states=tuple(one for one in dict.fromkeys(map(_FIX_STATE, findings)) if one is not FixState.UNKNOWN),
        fixed_by=_each_once_of_all(map(_FIXED_BY, findings)),
        published=min(filter(None, map(_PUBLISHED, findings)), default=None),
        modified=max(filter(None, map(_MODIFIED, findings)), default=None),
        scanners=scanners,
        not_found_by=tuple(name for name in looked if name not in scanners),
        not_looked_by=tuple(name for name in others if name not in scanners),
        ratings=ratings,
        severity=severity,
        **{name: together(map(read, findings)) for name, read, together in _SAID_TOGETHER},
    )


def finding_order(scanner: str, finding: Finding, canonical: str) -> tuple[Any, ...]:
    """Return a sort key: findings about just this vulnerability come before advisories, whose title is not shown."""
    return (
        finding.id != canonical,
        scanner,
        finding.package.namespace,
        _package_order(finding.package),
        finding.path,
        finding.purl,
        finding.id,
        finding.fix_state.value,
        finding.fixed_by,
        finding.links,
        finding.layer or "",
        finding.title,
        finding.description,
    )


def _rating(found: Found) -> Rating:
    finding = found.finding
    return Rating(
        scanner=found.scanner,
        severity=finding.severity,
        id=finding.id,
        label=finding.severity_label,
        source=finding.severity_source,
        cvss=finding.cvss,
        vendors=tuple(
            sorted(finding.vendor_ratings, key=lambda rating: (rating.source, rating.label, rating.severity))
        ),
    )


def _rating_order(rating: Rating) -> tuple[str, list[Severity], str, str, str, str]:
    details = repr((rating.cvss, rating.vendors)) if rating.cvss or rating.vendors else ""
    return rating.scanner, [rating.severity], rating.id, rating.label, rating.source, details


def _sorted_packages(packages: Iterable[Package | None]) -> tuple[Package, ...]:
    each_once = set(filter(None, packages))
    return tuple(sorted(each_once, key=_package_order) if len(each_once) > 1 else each_once)


def _package_order(package: Package) -> tuple[str, str, str]:
    return package.name, package.version, package.namespace


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")


def _each_once(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))


def _each_once_of_all(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return _each_once(chain.from_iterable(lists))


SAID_TOGETHER: Mapping[str, tuple[str, Callable[[Iterable[Any]], Any]]] = {
    "title": ("title", _first),
    "description": ("description", _first),
    "links": ("links", _each_once_of_all),
    "layers": ("layer", _each_once),
    "purls": ("purl", _each_once),
    "paths": ("path", _each_once),
}
"""By member of a vulnerability: the member of its findings, and what is made of theirs. A document says it once."""
_SAID_TOGETHER = [(name, attrgetter(member), together) for name, (member, together) in SAID_TOGETHER.items()]
