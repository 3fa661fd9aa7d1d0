"""What a document says of one vulnerability: its findings, how they were matched, who is silent. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any

from attrs import asdict, evolve, frozen
from portus_scanners import (
    Finding,
    ImageReport,
    Outcome,
    Package,
    Rating,
    ReportDocument,
    ScannerRun,
    SeverityPolicy,
    Vulnerability,
)

_MOST_COMPARED = 200
_MOST_NAMED = 3

Said = tuple[str, Finding]
"""A scanner, and a finding of it."""


@frozen
class Silence:
    """A scanner that did not find the vulnerability."""

    scanner: str
    outcome: str
    error: str | None
    """Why the scanner could not look, or why its silence proves nothing; None for one that looked at everything."""


@frozen
class Evidence:
    """One of the findings that the vulnerability was made of."""

    scanner: str
    id: str
    why_this_vulnerability: str
    why_this_package: str
    inferred: bool


@frozen
class Explained:
    """One vulnerability in one package of one image."""

    reference: str
    platform: str
    digest: str
    found: Vulnerability
    why: str
    """Why this severity is shown."""
    evidence: tuple[Evidence, ...]
    silent: tuple[Silence, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the vulnerability as it is printed in JSON."""
        return asdict(self, value_serializer=lambda _, __, value: _plain(value))


def find_explained(document: ReportDocument, name: str, prefer: tuple[str, ...]) -> Iterator[Explained]:
    """Yield every vulnerability that has a name, in each image and package: its id, an alias, a scanner's own word.

    If none has it, those of the packages that have it. Nothing of an image is kept when the next one is looked at.

    Args:
        document: The reports; they are gone through twice where no vulnerability has the name.
        name: The name, in upper or lower case.
        prefer: Scanners whose severity is shown; with none, the severity that the document shows.
    """
    wanted, any_has_it = name.strip().casefold(), False
    for find in (_having, _in_package):
        if any_has_it:
            return
        for report in document.reports:
            index = FindingsIndex(report)
            for found in find(wanted, report, index):
                any_has_it = True
                yield _explain(report, found, index, prefer)


def nearest_names(document: ReportDocument, name: str) -> list[str]:
    """Return names in the document that are like one that it does not have."""
    wanted = name.strip().casefold()
    known = {
        other: other.casefold()
        for report in document.reports
        for one in report.vulnerabilities
        for other in (one.id, *one.aliases, *_package_names(one))
    }
    alike = sorted(known, key=lambda other: (-_shared(wanted, known[other]), other))[:_MOST_COMPARED]
    folded = {known[other]: other for other in alike}
    return [folded[close] for close in get_close_matches(wanted, folded, _MOST_NAMED)]


def _shared(one: str, other: str) -> int:
    """Return the length of the longest common prefix of two strings."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def doubtful_runs(document: ReportDocument) -> Iterator[tuple[str, str, str]]:
    """Yield image, scanner and reason for every run whose silence proves nothing.

    It did not end ok, or says that the support of the distribution has ended.
    """
    for report in document.reports:
        for run in report.results:
            if run.outcome is not Outcome.OK:
                words = run.outcome.value.replace("_", " ")
                yield report.image.reference.text, run.scanner, f"{words}: {run.error}"
            elif ended := _ended(run):
                yield report.image.reference.text, run.scanner, ended


def _ended(run: ScannerRun) -> str | None:
    return run.report.end_of_life.sentence if run.report and run.report.end_of_life else None


def _names(found: Vulnerability) -> set[str]:
    names = (found.id, *found.aliases, *(rating.id for rating in found.ratings))
    return {name.strip().casefold() for name in names}


def _having(wanted: str, report: ImageReport, index: FindingsIndex) -> list[Vulnerability]:
    """Return the vulnerabilities that have a name, else those with a finding that has it.

    The vulnerability of a very large advisory does not keep every alias.
    """
    named = [found for found in report.vulnerabilities if wanted in _names(found)]
    mentions = [] if named else index.named(wanted)
    return named or [one for one in report.vulnerabilities if any(is_evidence(said, one) for said in mentions)]


def _in_package(wanted: str, report: ImageReport, _: FindingsIndex) -> list[Vulnerability]:
    return [one for one in report.vulnerabilities if wanted in map(str.casefold, _package_names(one))]


def _package_names(one: Vulnerability) -> set[str]:
    return {package.name for package in (one.package, *one.packages, *one.source_packages) if package.name}


def _explain(report: ImageReport, found: Vulnerability, index: FindingsIndex, prefer: tuple[str, ...]) -> Explained:
    policy = SeverityPolicy(prefer=prefer)
    shown = policy.choose(found.ratings) if prefer else found.severity
    why = why_shown(policy, found.ratings)
    if shown is not policy.choose(found.ratings):
        why = f"the document was made with a policy of its own; without one: {found.highest.value}, {why}"
    return Explained(
        reference=report.image.reference.text,
        platform=str(report.image.platform or ""),
        digest=report.image.digest,
        found=evolve(found, severity=shown),
        why=why,
        evidence=tuple(_evidence(found, index)),
        silent=tuple(_silent(report.results, found)),
    )


def why_shown(policy: SeverityPolicy, ratings: Sequence[Rating]) -> str:
    """Return in words why a severity of these is shown; the only foreign strings in it are names of scanners."""
    if decided := policy.decide(ratings):
        before = policy.prefer[: policy.prefer.index(decided[0])]
        passed_over = f"; {', '.join(before)} would go before, but did not say how bad it is" if before else ""
        return f"preferred: {decided[0]} says {decided[1].value}{passed_over}"
    shown = policy.choose(ratings)
    scanners = sorted({rating.scanner for rating in ratings if rating.severity is shown})
    who = f" of all ratings, by {', '.join(scanners)}" if scanners else ": there is no rating"
    why = f"no preferred scanner ({', '.join(policy.prefer)}) says how bad it is; " if policy.prefer else ""
    return f"{why}the highest{who}"


def _evidence(found: Vulnerability, index: FindingsIndex) -> Iterator[Evidence]:
    for package in found.packages:
        for said in index.in_package(package):
            if is_evidence(said, found):
                scanner, finding = said
                name, place = explain_name(said, found, index), explain_package(said, found, index)
                yield Evidence(scanner, finding.id, name, place, finding.inferred)


def _silent(runs: Iterable[ScannerRun], found: Vulnerability) -> Iterator[Silence]:
    for run in runs:
        if run.scanner not in found.scanners:
            yield Silence(run.scanner, run.outcome.value, run.error or _ended(run))


def _plain(value: Any) -> Any:
    """Return an enum as its value, and a time as a string."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return getattr(value, "value", value)


class FindingsIndex:
    """The findings of all runs of one image, those that did not end ok included.

    Args:
        report: The image's report.
    """

    def __init__(self, report: ImageReport) -> None:
        self._by_name: dict[str, list[Said]] = defaultdict(list)
        self._by_package: dict[Package, list[Said]] = defaultdict(list)
        self._sources: dict[tuple[str, str, str], str] = {}
        for run in report.results:
            for finding in run.report.findings if run.report else ():
                self._add((run.scanner, finding))

    def _add(self, said: Said) -> None:
        scanner, finding = said
        self._by_package[finding.package].append(said)
        if finding.source_package:
            key = finding.package.name, finding.package.version, finding.source_package.name
            self._sources.setdefault(key, scanner)
        for name in names_of(finding) if finding.aliases else ():
            self._by_name[name].append(said)

    def named(self, name: str) -> list[Said]:
        """Return the findings with aliases that have a name; *name* is case-folded."""
        return self._by_name.get(name, [])

    def in_package(self, package: Package) -> list[Said]:
        """Return the findings in a package."""
        return self._by_package.get(package, [])

    def who_says(self, package: Package, source: str) -> str | None:
        """Return a scanner that says that a package was built from the source package *source*."""
        return self._sources.get((package.name, package.version, source))


def names_of(finding: Finding) -> set[str]:
    """Return all names of a finding, folded for comparison."""
    return {name.strip().casefold() for name in (finding.id, *finding.aliases)}


def is_evidence(said: Said, found: Vulnerability) -> bool:
    """Return whether a finding is one of those that a vulnerability was made of."""
    scanner, finding = said
    return finding.package in found.packages and any(
        (rating.scanner, rating.id, rating.severity) == (scanner, finding.id, finding.severity)
        for rating in found.ratings
    )


def explain_name(said: Said, found: Vulnerability, index: FindingsIndex) -> str:
    """Return why a finding is about this vulnerability: through which names."""
    _, finding = said
    wanted = found.id.casefold()
    if finding.id.strip().casefold() == wanted:
        return f"it is called {found.id} there"
    if wanted in names_of(finding):
        return f"it is called {finding.id} there, and {found.id} is among its aliases"
    own = finding.id.strip().casefold()
    for scanner, other in index.named(own):
        if wanted in names_of(other):
            return f"it is called {finding.id} there; {scanner} says of {other.id} that this is another name of it"
    return f"it is called {finding.id} there; aliases of several findings connect the two names"


def explain_package(said: Said, found: Vulnerability, index: FindingsIndex) -> str:
    """Return why a finding is about the package of this vulnerability."""
    package, source = said[1].package, said[1].source_package
    wanted = found.package.name, found.package.version
    if (package.name, package.version) == wanted:
        return f"in {write_package(package)}"
    if not package.name or (package.name == wanted[0] and not package.version):
        return "it names no package" if not package.name else f"in {package.name}, it names no version"
    if source is not None and source.name == wanted[0]:
        return f"in {write_package(package)}, and it says that this was built from {source.name}"
    scanner = index.who_says(package, wanted[0])
    if scanner is not None:
        return f"in {write_package(package)}; {scanner} says that this was built from {wanted[0]}"
    return f"in {write_package(package)}"


def write_package(package: Package) -> str:
    """Return name, version and distribution: ``openssl 1.0.2h (debian:8)``."""
    text = " ".join(part for part in (package.name or "a package without a name", package.version) if part)
    return f"{text} ({package.namespace})" if package.namespace else text
