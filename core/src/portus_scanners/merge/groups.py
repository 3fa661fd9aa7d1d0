"""Which findings mean the same.

One scanner reports an advisory of Debian for each binary package (``libc6``, ``libc-bin``), and says what they were
built from (Trivy); another reports it once, for the source package (``glibc``), and says no more (Clair). They meet in
the source package. Without somebody who reports that, binary packages stay apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from attrs import frozen

from ..models import Finding, MatchedBy, Package
from .namespaces import comparable

KeyT = TypeVar("KeyT", bound=Hashable)
Identity = tuple[str, str]
"""Name and version of a package."""


@frozen
class Found:
    """A finding and who found it."""

    scanner: str
    finding: Finding

    @property
    def own(self) -> Identity:
        """What it was found in."""
        return identity_of(self.finding.package)

    @property
    def source(self) -> Identity | None:
        """What that was built from, where the scanner says."""
        source = self.finding.source_package
        return identity_of(source) if source else None


@frozen
class Group:
    """Findings that mean the same; at least one."""

    identity: Identity
    """The package, or the source package, in which they meet."""
    members: tuple[Found, ...]

    @property
    def matched_by(self) -> MatchedBy:
        """How they meet."""
        met = all(found.own == self.identity for found in self.members)
        return MatchedBy.PACKAGE if met else MatchedBy.SOURCE


def identity_of(package: Package) -> Identity:
    """Return what a package is told apart by, within one distribution."""
    return package.name, package.version


def group_findings(found: Iterable[Found]) -> Iterator[Group]:
    """Give each finding in exactly one group, whatever their order."""
    for same_id in _split(found, lambda one: one.finding.id):
        links = _link_to_sources(same_id)
        for met in _split(same_id, lambda one, links=links: links.get(one.own, one.own)):  # type: ignore[misc]
            identity = links.get(met[0].own, met[0].own)
            for part in _by_namespace(met):
                yield from _settle(identity, part)


def _link_to_sources(found: Iterable[Found]) -> Mapping[Identity, Identity]:
    """Return the source packages of binary ones: those that some scanner reports as such."""
    found = tuple(found)
    reported = {one.own for one in found if one.source is None}
    links: dict[Identity, Identity] = {}
    for one in found:
        if one.source in reported and one.source is not None and one.source[0]:
            links[one.own] = min(one.source, links.get(one.own, one.source))
    return links


def _by_namespace(found: list[Found]) -> Iterator[list[Found]]:
    """Split by namespace; findings without one join the only other, if there is only one."""
    parts = list(_split(found, lambda one: comparable(one.finding.package.namespace)))
    if len(parts) == 2 and any(not part[0].finding.package.namespace for part in parts):  # noqa: PLR2004
        yield found
    else:
        yield from parts


def _settle(identity: Identity, part: list[Found]) -> Iterator[Group]:
    """Give the findings of one distribution: together when somebody names the source package itself, else apart."""
    if any(one.own == identity and one.source is None for one in part):
        yield Group(identity, tuple(part))
    else:
        for same in _split(part, lambda one: one.own):
            yield Group(same[0].own, tuple(same))


def _split(found: Iterable[Found], key: Callable[[Found], KeyT]) -> Iterator[list[Found]]:
    parts: dict[KeyT, list[Found]] = defaultdict(list)
    for one in found:
        parts[key(one)].append(one)
    yield from parts.values()
