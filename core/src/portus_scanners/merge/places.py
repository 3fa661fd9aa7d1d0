"""Where findings are: the package that they are counted under.

That is the source package, wherever some scanner says what this binary package in this version was built from: one
scanner reports an advisory for the source package (Clair: ``glibc``), another for each package built from it (Trivy:
``libc6``, ``libc-bin``), a third for a binary package alone. What one scanner says of a package holds for the
findings of all, whatever vulnerability it was said with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ..models import Finding, Package
from .namespaces import comparable

Place = tuple[str, str, str]
"""Name, version and `comparable` namespace; empty where not known."""
Identity = tuple[str, str]
"""Name and version."""


class Places:
    """The packages of one image.

    Args:
        findings: All of all scanners.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._namespaces: dict[str, str] = {}
        self._known: dict[tuple[Package, Package | None], Place] = {}
        self._built_from: dict[Identity, dict[str, Identity]] = defaultdict(dict)
        for package, source in {(one.package, one.source_package) for one in findings if one.source_package}:
            if source and source.name:
                self._add(package, source)
        self._sources = {source for stated in self._built_from.values() for source in stated.values()}

    def of(self, finding: Finding) -> Place:
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
