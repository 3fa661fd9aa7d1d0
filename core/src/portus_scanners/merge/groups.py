"""Which findings of one vulnerability are in the same package.

A package is told apart by name, version and release of the distribution. A finding that leaves out the version or the
release counts for every package of its name that it can mean, and stands by itself only where there is none: it never
joins two packages, never hides one, and never counts besides the one that it means. A finding without a package stands
apart: joined to whatever there is, it could make fewer of many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence, Set

from attrs import frozen

from ..models import Finding, MatchedBy
from .places import Place

MOST_JOINED = 1_000
"""Of findings that leave something out, times what they may mean, in one vulnerability: beyond, they stand apart."""
_PARTS = 3
_STATED = 2
"""Name and version; the namespace may be left out by all."""


@frozen(eq=False)
class Found:
    """A finding, who found it, and where it is counted."""

    scanner: str
    finding: Finding
    place: Place


@frozen
class Group:
    """Findings that mean the same; at least one."""

    place: Place
    """The package in which they meet."""
    members: Sequence[Found]

    @property
    def matched_by(self) -> MatchedBy:
        """How they meet."""
        name, version, _ = self.place
        packages = (found.finding.package for found in self.members)
        met = all(one.name in {name, ""} and one.version in {version, ""} for one in packages)
        return MatchedBy.PACKAGE if met else MatchedBy.SOURCE


def group_findings(found: Sequence[Found]) -> Iterator[Group]:
    """Give each finding of one vulnerability in at least one group, whatever their order."""
    if len({one.place for one in found}) == 1:
        yield Group(found[0].place, found)
        return
    placed: set[int] = set()
    for stated in (2, 1):  # those that name the version come first
        rest = [one for one in found if _stated(one) <= stated]
        groups = [group for group in _split((), rest) if _is_new(group, placed)]
        yield from groups
        placed.update(id(one) for group in groups for one in group.members)


def _stated(one: Found) -> int:
    """Return how much a finding says: 2 with a version, 1 with a name alone, 0 with neither."""
    name, version, _ = one.place
    return bool(name) + bool(version)


def _split(path: tuple[str, ...], found: Sequence[Found]) -> Iterator[Group]:
    """Split by the next part of the place: each known value gets those that do not know it as well."""
    level = len(path)
    if level == _PARTS:
        name, version, namespace = path
        yield Group((name, version, namespace), found)
        return
    parts: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        parts[one.place[level]].append(one)
    silent = parts.pop("", [])
    joined = level > 0 and len(parts) * len(silent) <= MOST_JOINED  # who names no package stands apart
    for value, part in parts.items():
        yield from _split((*path, value), part + silent if joined else part)
    if silent and not (parts and joined):
        yield from _split((*path, ""), silent)


def _is_new(group: Group, placed: Set[int]) -> bool:
    """Return whether somebody names this very package, not only others that it may be, and is in no other group."""
    return any(one.place[:_STATED] == group.place[:_STATED] and id(one) not in placed for one in group.members)
