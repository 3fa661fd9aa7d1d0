"""How a finding came to be part of a vulnerability: through which names, through which package. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from portus_scanners import Finding, ImageReport, Package, Vulnerability

Said = tuple[str, Finding]
"""A scanner and what it found."""


def all_said(report: ImageReport) -> Iterator[Said]:
    """Give every finding of every run, also of those that did not end ok."""
    for run in report.results:
        for finding in run.report.findings if run.report else ():
            yield run.scanner, finding


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


def explain_name(said: Said, found: Vulnerability, others: Iterable[Said]) -> str:
    """Return why a finding is about this vulnerability."""
    _, finding = said
    wanted = found.id.casefold()
    if finding.id.strip().casefold() == wanted:
        return f"it is called {found.id} there"
    if wanted in names_of(finding):
        return f"it is called {finding.id} there, and {found.id} is among its aliases"
    own = finding.id.strip().casefold()
    for scanner, other in others:
        if {own, wanted} <= names_of(other):
            return f"it is called {finding.id} there; {scanner} says of {other.id} that this is another name of it"
    return f"it is called {finding.id} there; aliases of several findings connect the two names"


def explain_package(said: Said, found: Vulnerability, others: Iterable[Said]) -> str:
    """Return why a finding is in this package."""
    package, source = said[1].package, said[1].source_package
    wanted = found.package.name, found.package.version
    if (package.name, package.version) == wanted:
        return f"in {write_package(package)}"
    if not package.name or (package.name == wanted[0] and not package.version):
        return "it names no package" if not package.name else f"in {package.name}, it names no version"
    if source is not None and source.name == wanted[0]:
        return f"in {write_package(package)}, and it says that this was built from {source.name}"
    for scanner, other in others:
        stated = other.source_package
        if stated and stated.name == wanted[0] and _alike(other.package, package):
            return f"in {write_package(package)}; {scanner} says that this was built from {stated.name}"
    return f"in {write_package(package)}"


def write_package(package: Package) -> str:
    """Return name, version and distribution: ``openssl 1.0.2h (debian:8)``."""
    text = " ".join(part for part in (package.name or "a package without a name", package.version) if part)
    return f"{text} ({package.namespace})" if package.namespace else text


def _alike(one: Package, other: Package) -> bool:
    return (one.name, one.version) == (other.name, other.version)
