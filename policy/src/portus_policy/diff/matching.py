"""Which vulnerabilities of two documents are the same.

The id of one is an id or an alias of the other, they have a name of the package or its source package in common, and
the family of the distribution (``debian``), where both say. An alias in common is not enough: an advisory may be about
several vulnerabilities. The version plays no part: an upgrade that keeps a vulnerability is no news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from attrs import define, frozen
from portus_scanners.models import FixState, Vulnerability
from portus_scanners.models.words import RANK

_FEW = 16
"""So many packages with one vulnerability are looked through; of more, an index is made."""


@frozen
class Match:
    """What an index has for a vulnerability."""

    best: Vulnerability
    """The one of the highest severity."""
    fixable: bool
    """Whether any has a fix."""


class VulnerabilityIndex:
    """The vulnerabilities of one image, to be found by others.

    Args:
        vulnerabilities: In any order.
    """

    def __init__(self, vulnerabilities: Iterable[Vulnerability]) -> None:
        self._by_id: dict[str, _Bucket] = defaultdict(_Bucket)
        self._by_name: dict[str, _Bucket] = defaultdict(_Bucket)
        for one in vulnerabilities:
            packages, family = _packages(one), _family(one)
            self._by_id[one.id].add(one, packages, family)
            for name in {one.id, *one.aliases}:
                self._by_name[name].add(one, packages, family)

    def find(self, vulnerability: Vulnerability) -> Match | None:
        """Return what is the same; None where nothing is."""
        found = list(self._entries_for(vulnerability))
        if not found:
            return None
        return Match(max((entry.best for entry in found), key=_rank), any(entry.fixable for entry in found))

    def _entries_for(self, vulnerability: Vulnerability) -> Iterator[_Entry]:
        packages, family = _packages(vulnerability), _family(vulnerability)
        buckets = (self._by_name.get(vulnerability.id), *map(self._by_id.get, vulnerability.aliases))
        for bucket in buckets:
            if bucket is not None:
                yield from bucket.matching(packages, family)


@define(eq=False)
class _Entry:
    """The vulnerabilities of one name in one package, in all its versions."""

    best: Vulnerability
    family: str
    packages: frozenset[str]
    fixable: bool

    def add(self, other: Vulnerability, packages: frozenset[str]) -> None:
        self.best = max(self.best, other, key=_rank)
        self.packages |= packages
        self.fixable = self.fixable or has_fix(other)


class _Bucket:
    """The vulnerabilities of one name."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._by_package: dict[str, list[_Entry]] | None = None

    def add(self, one: Vulnerability, packages: frozenset[str], family: str) -> None:
        entry = self._entries.get((one.package.name, family))
        if entry is None:
            self._entries[one.package.name, family] = _Entry(one, family, packages, has_fix(one))
        else:
            entry.add(one, packages)

    def matching(self, packages: frozenset[str], family: str) -> Iterator[_Entry]:
        """Yield the entries in one of these packages and of this family, where both say."""
        for entry in self._candidates(packages):
            both_say = entry.family and family
            if not (both_say and entry.family != family) and not packages.isdisjoint(entry.packages):
                yield entry

    def _candidates(self, packages: frozenset[str]) -> Iterable[_Entry]:
        if len(self._entries) <= _FEW:
            return self._entries.values()
        if self._by_package is None:
            self._by_package = defaultdict(list)
            for entry in self._entries.values():
                for package in entry.packages:
                    self._by_package[package].append(entry)
        return [entry for package in packages for entry in self._by_package.get(package, ())]


def has_fix(vulnerability: Vulnerability) -> bool:
    """Return whether some scanner knows a fix."""
    return bool(vulnerability.fixed_by) or FixState.FIXED in vulnerability.fix_states


def _packages(one: Vulnerability) -> frozenset[str]:
    """Return the names of packages that it may be known by; an empty one only where there is no other."""
    names = {one.package.name, *(package.name for package in (*one.packages, *one.source_packages))}
    return frozenset(names - {""} or names)


def _family(one: Vulnerability) -> str:
    """Return ``debian`` of ``debian:12``; empty where nobody says."""
    return one.package.namespace.partition(":")[0].casefold()


def _rank(one: Vulnerability) -> tuple[int, str, str, str, str]:
    package = one.package
    return RANK[one.severity], one.id, package.name, package.version, package.namespace
