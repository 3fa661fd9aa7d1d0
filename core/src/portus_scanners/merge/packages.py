"""In which package a finding is: where it is counted, and which findings of one vulnerability are in the same package.

A finding is counted under the source package, wherever some scanner says what this binary package in this version was
built from: one scanner reports an advisory for the source package (Clair: ``glibc``), another for each package built
from it (Trivy: ``libc6``, ``libc-bin``), a third for one binary package only. What one scanner says of a package holds
for the findings of all, whatever vulnerability it was said with.

Packages differ in name, version or release of the distribution. A finding that leaves out the version or the release
counts for every package of its name that it can mean, and stands by itself only where there is none: it never joins two
packages, never hides one, and never counts besides the one that it means. A finding without a package stands apart:
joined to whatever there is, it could make fewer of many.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

from attrs import frozen

from ..models import Finding, Package

PackagePlace = tuple[str, str, str]
"""Name, version and `comparable` namespace; empty where not known."""
Identity = tuple[str, str]
"""Name and version."""

MOST_JOINED = 1_000
"""Findings that leave something out, times the packages that they may mean, in one vulnerability; more stand apart."""
_PARTS = 3
_STATED = 2
"""Name and version; the namespace may be left out by all."""
_RELEASE = re.compile(r"(?P<family>[a-z][a-z0-9_.-]*):v?(?P<version>[0-9]+(?:\.[0-9]+)*)", re.ASCII)
_BY_MAJOR = frozenset({"alma", "centos", "debian", "oracle", "redhat", "rhel", "rocky"})
"""Distributions whose minor releases have the same advisories; of others the second number counts as well."""


def comparable(namespace: str) -> str:
    """Return the one name that stands for all names of a release: ``debian:12``, ``alpine:3.19``, ``ubuntu:22.04``.

    A namespace of another form (``npm``) is returned as it is.
    """
    match = _RELEASE.fullmatch(namespace.casefold())
    if match is None:
        return namespace
    numbers = match["version"].split(".")[: 1 if match["family"] in _BY_MAJOR else 2]
    return f"{match['family']}:{'.'.join(numbers)}"


class PackagePlaces:
    """The packages of one image.

    Args:
        findings: All findings of all scanners.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._namespaces: dict[str, str] = {}
        self._known: dict[tuple[Package, Package | None], PackagePlace] = {}
        self._built_from: dict[Identity, dict[str, Identity]] = defaultdict(dict)
        for package, source in {(one.package, one.source_package) for one in findings if one.source_package}:
            if source and source.name:
                self._add(package, source)
        self._sources = {source for stated in self._built_from.values() for source in stated.values()}

    def of(self, finding: Finding) -> PackagePlace:
        """Return where a finding is counted."""
        key = finding.package, finding.source_package
        place = self._known.get(key)
        if place is None:
            name, version = self._identity(*key)
            # a version without a name says nothing
            place = self._known[key] = (name, version if name else "", self._namespace(finding.package))
        return place

    def _add(self, package: Package, source: Package) -> None:
        """Note a source package; of several for one package, the first by name counts."""
        stated = self._built_from[package.name, package.version]
        namespace = self._namespace(package)
        identity = source.name, source.version or package.version
        stated[namespace] = min(identity, stated.get(namespace, identity))

    def _identity(self, package: Package, source: Package | None) -> Identity:
        own = package.name, package.version
        stated = self._built_from.get(own)
        if stated is None:
            return own
        if own in self._sources and not (source and source.name):
            return own  # others were built from it: it is meant as the source package
        namespace = self._namespace(package)
        if namespace in stated:
            return stated[namespace]
        return stated.get("", own) if namespace else min(stated.values())

    def _namespace(self, package: Package) -> str:
        known = self._namespaces.get(package.namespace)
        if known is None:
            known = self._namespaces[package.namespace] = comparable(package.namespace)
        return known


@frozen(eq=False)
class Found:
    """A finding with its scanner and the package that it is counted under."""

    scanner: str
    finding: Finding
    place: PackagePlace


@frozen
class FindingGroup:
    """Findings that mean the same; at least one.

    Attributes:
        place: The package that they are in.
        members: The findings.
    """

    place: PackagePlace
    members: Sequence[Found]


def group_findings(found: Sequence[Found]) -> Iterator[FindingGroup]:
    """Yield groups that have each finding of one vulnerability at least once, whatever their order."""
    if len({one.place for one in found}) == 1:
        yield FindingGroup(found[0].place, found)
        return
    placed: set[int] = set()
    for stated in (2, 1):  # those that name the version come first
        rest = [one for one in found if _stated(one) <= stated]
        groups = [group for group in _split((), rest) if _is_new(group, placed)]
        yield from groups
        placed.update(id(one) for group in groups for one in group.members)


def _stated(one: Found) -> int:
    """Return how much a finding says: 2 with a version, 1 with a name only, 0 with neither."""
    name, version, _ = one.place
    return bool(name) + bool(version)


def _split(path: tuple[str, ...], found: Sequence[Found]) -> Iterator[FindingGroup]:
    """Split by the next part of the place: each value gets the findings that leave this part out as well."""
    level = len(path)
    if level == _PARTS:
        name, version, namespace = path
        yield FindingGroup((name, version, namespace), found)
        return
    parts: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        parts[one.place[level]].append(one)
    silent = parts.pop("", [])
    joined = level > 0 and len(parts) * len(silent) <= MOST_JOINED  # a finding without a package stands apart
    for value, part in parts.items():
        yield from _split((*path, value), part + silent if joined else part)
    if silent and not (parts and joined):
        yield from _split((*path, ""), silent)


def _is_new(group: FindingGroup, placed: Set[int]) -> bool:
    """Return whether a finding that is in no group yet names this very package, not only one that it may be."""
    return any(one.place[:_STATED] == group.place[:_STATED] and id(one) not in placed for one in group.members)
