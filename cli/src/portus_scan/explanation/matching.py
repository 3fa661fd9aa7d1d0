"""How a finding came to be part of a vulnerability: through which names, through which package. Pure functions."""

from __future__ import annotations

from collections import defaultdict

from portus_scanners import Finding, ImageReport, Package, Vulnerability

Said = tuple[str, Finding]
"""A scanner and what it found."""


class FindingsIndex:
    """The findings of all runs of one image, also of those that did not end ok.

    Args:
        report: Of the image.
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
        """Return the findings that have a folded name, and others besides."""
        return self._by_name.get(name, [])

    def in_package(self, package: Package) -> list[Said]:
        """Return the findings in a package."""
        return self._by_package.get(package, [])

    def who_says(self, package: Package, source: str) -> str | None:
        """Return a scanner that says that a package was built from a source package of that name."""
        return self._sources.get((package.name, package.version, source))


def names_of(finding: Finding) -> set[str]:
    """Return all names of a finding, folded for comparison."""
    return {name.strip().casefold() for name in (finding.id, *finding.aliases)}


def is_evidence(said: Said, found: Vulnerability) -> bool:
    """Return whether a vulnerability was made of a finding, among others."""
    scanner, finding = said
    return finding.package in found.packages and any(
        (rating.scanner, rating.id, rating.severity) == (scanner, finding.id, finding.severity)
        for rating in found.ratings
    )


def explain_name(said: Said, found: Vulnerability, index: FindingsIndex) -> str:
    """Return why a finding is about this vulnerability."""
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
    """Return why a finding is in this package."""
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
