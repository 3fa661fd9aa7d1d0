"""Which vulnerabilities of two documents are the same.

They have a name in common (id or alias), a name of the package or its source package, and the family of the
distribution (``debian``), where both say. The version plays no part: an upgrade that keeps a vulnerability is no news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, frozen

from ..models import FixState, Severity, Vulnerability

_ANY = None
"""The family that stands for all of them together."""


@frozen
class Match:
    """What an index has for a vulnerability."""

    best: Vulnerability
    """The one of the highest severity."""
    fixable: bool
    """Whether any has a fix."""


@define
class _Entry:
    best: Vulnerability
    fixable: bool

    def add(self, other: Vulnerability) -> None:
        self.best = max(self.best, other, key=_rank)
        self.fixable = self.fixable or has_fix(other)


class VulnerabilityIndex:
    """The vulnerabilities of one image, to be found by others.

    Args:
        vulnerabilities: In any order.
    """

    def __init__(self, vulnerabilities: Iterable[Vulnerability]) -> None:
        self._entries: dict[tuple[str, str, str | None], _Entry] = {}
        for one in vulnerabilities:
            for name, package in _names(one):
                for family in (_ANY, _family(one)):
                    self._add((name, package, family), one)

    def find(self, vulnerability: Vulnerability) -> Match | None:
        """Return what is the same; None where nothing is."""
        found = list(self._entries_for(vulnerability))
        if not found:
            return None
        best = max((entry.best for entry in found), key=_rank)
        return Match(best, any(entry.fixable for entry in found))

    def _add(self, key: tuple[str, str, str | None], one: Vulnerability) -> None:
        if key in self._entries:
            self._entries[key].add(one)
        else:
            self._entries[key] = _Entry(one, has_fix(one))

    def _entries_for(self, vulnerability: Vulnerability) -> Iterator[_Entry]:
        family = _family(vulnerability)
        families = (family, "") if family else (_ANY,)
        for name, package in _names(vulnerability):
            for one in families:
                if (entry := self._entries.get((name, package, one))) is not None:
                    yield entry


def has_fix(vulnerability: Vulnerability) -> bool:
    """Return whether some scanner knows a fix."""
    return bool(vulnerability.fixed_by) or FixState.FIXED in vulnerability.fix_states


def _names(one: Vulnerability) -> Iterator[tuple[str, str]]:
    """Yield each name with each package that it may be known by."""
    packages = {one.package.name, *(package.name for package in (*one.packages, *one.source_packages))}
    for name in {one.id, *one.aliases}:
        for package in packages:
            yield name, package


def _family(one: Vulnerability) -> str:
    """Return ``debian`` of ``debian:12``; empty where nobody says."""
    return one.package.namespace.partition(":")[0].casefold()


def _rank(one: Vulnerability) -> tuple[Severity, str, str, str, str]:
    package = one.package
    return one.severity, one.id, package.name, package.version, package.namespace
