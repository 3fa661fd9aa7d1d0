"""In which package a finding is: where it is counted, and which findings of one vulnerability are in the same package.

A finding is counted under the source package, wherever some scanner says what this binary package in this version was
built from: one scanner reports an advisory for the source package (Clair: ``glibc``), another for each package built
from it (Trivy: ``libc6``, ``libc-bin``), a third for one binary package only. What one scanner says of a package holds
for the findings of all, whatever vulnerability it was said with.

Packages differ in name, version or release of the distribution; ``ecosystems`` knows which spellings mean the same. A
package URL says more than a name that leaves something out: the group of a Maven artifact, the epoch of a version. What
it adds holds for the same name of other findings too, as long as no other package URL adds something else.

A finding that leaves out the version or the release counts for every package of its name that it can mean, and stands
by itself only where there is none: it never joins two packages, never hides one, and never counts besides the one that
it means. One that names a distribution without its release means the only release of it that package URLs name. A
finding without a package stands apart: joined to whatever there is, it could make fewer of many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

from attrs import field, frozen

from ..models import Finding, Package
from .ecosystems import PACKAGE_TYPES, canonical_name, canonical_version, kind_of
from .package_urls import PackageUrl, read_purl

PackagePlace = tuple[str, str, str]
"""Name, version and namespace, each in its one spelling; empty where not known."""
Identity = tuple[str, str]
"""Name and version."""

MOST_JOINED = 1_000
"""The weight of findings that leave something out, times the packages that they may mean; more stand apart."""
_WEIGHT = 1_000
_RATING = 100
"""Characters that a rating takes."""
_PARTS = 3
_STATED = 2
"""Name and version; the namespace may be left out by all."""


@frozen(eq=False)
class Found:
    """A finding with its scanner and the package that it is counted under.

    Attributes:
        place: What tells this package from others.
        shown: The place as the finding spells it, or as it follows from what others say; the namespace is empty where
            the finding's word for it says less.
        direct: False if the finding names a package that was built from this one.
        weight: How much it adds to each vulnerability that it is part of: 1 for each 1,000 characters that were begun.
    """

    scanner: str
    finding: Finding
    place: PackagePlace
    shown: Package
    direct: bool
    weight: int


class PackagePlaces:
    """The packages of one image.

    Args:
        findings: All findings of all scanners.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._known: dict[tuple[Package, Package | None, str], tuple[PackagePlace, Package, bool]] = {}
        self._meant: dict[PackagePlace, set[PackagePlace]] = defaultdict(set)
        self._releases: dict[PackagePlace, set[PackagePlace]] = defaultdict(set)
        self._built_from: dict[Identity, dict[str, Identity]] = defaultdict(dict)
        stated = {(one.package, one.source_package, one.purl) for one in findings}
        for package, purl in {(package, purl) for package, _, purl in stated if purl}:
            self._note_meaning(package, purl)
        for package, source, purl in stated:
            if source and source.name:
                self._note_source(self._place(_place_of(package), package, purl), source)
        self._sources = {source for sources in self._built_from.values() for source in sources.values()}

    def find(self, scanner: str, finding: Finding) -> Found:
        """Return a finding with the package that it is counted under."""
        key = finding.package, finding.source_package, finding.purl
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._find(*key)
        return Found(scanner, finding, *known, _weigh(finding))

    def _find(self, package: Package, source: Package | None, purl: str) -> tuple[PackagePlace, Package, bool]:
        plain = _place_of(package)
        own = self._place(plain, package, purl)
        name, version = self._identity(own, source)
        place = name, version if name else "", own[2]  # a version without a name says nothing
        direct = own[0] in {name, ""} and own[1] in {place[1], ""}
        return place, package if place == plain else _stated_spelling(place, package), direct

    def _note_meaning(self, package: Package, purl: str) -> None:
        """Note what a package URL adds to a name, version and namespace."""
        own = _place_of(package)
        meant = _refine(own, package, purl)
        self._releases[meant[0], meant[1], meant[2].partition(":")[0]].add(meant)
        if meant != own and all(own):
            self._meant[own].add(meant)

    def _place(self, own: PackagePlace, package: Package, purl: str) -> PackagePlace:
        """Return the place with what its package URL, or all those of the others of this place, add to it."""
        refined = _refine(own, package, purl) if purl else own
        meant = self._meant.get(own, ())
        place = next(iter(meant)) if refined == own and len(meant) == 1 else refined
        releases = self._releases.get(place, set()) - {place}  # of a distribution whose release is not said
        return next(iter(releases)) if len(releases) == 1 else place

    def _note_source(self, place: PackagePlace, source: Package) -> None:
        """Note a source package; of several for one package the first by name counts, and one with an epoch first."""
        name, version, namespace = place
        stated = self._built_from[name, version]
        identity = source.name, canonical_version(kind_of(namespace).type, source.version) or version
        others = stated.get(namespace, identity)
        stated[namespace] = min(identity, others, key=lambda one: (one[0], ":" not in one[1], one[1]))

    def _identity(self, place: PackagePlace, source: Package | None) -> Identity:
        name, version, namespace = place
        own = name, version
        stated = self._built_from.get(own)
        if stated is None:
            return own
        if own in self._sources and not (source and source.name):
            return own  # others were built from it: it is meant as the source package
        if namespace in stated:
            return stated[namespace]
        return stated.get("", own) if namespace else min(stated.values())


def _weigh(finding: Finding) -> int:
    characters = len(finding.description) + len(finding.title) + sum(map(len, finding.links))
    characters += sum(map(len, finding.fixed_by)) + _RATING * (len(finding.cvss) + len(finding.vendor_ratings))
    return 1 + characters // _WEIGHT


def _place_of(package: Package) -> PackagePlace:
    """Return what a package says of itself, in one spelling."""
    kind = kind_of(package.namespace)
    return canonical_name(kind.type, package.name), canonical_version(kind.type, package.version), kind.name_in_image


def _refine(own: PackagePlace, package: Package, text: str) -> PackagePlace:
    """Return the place with what a package URL adds to it; one that contradicts adds nothing."""
    purl = read_purl(text)
    kind = kind_of(package.namespace).type
    if purl is None or kind not in {"", purl.type}:
        return own
    version = _refine_version(canonical_version(purl.type, package.version), purl)
    if version is None:
        return own
    is_system = purl.type in PACKAGE_TYPES
    name = package.name or purl.full_name
    if is_system and name != purl.name:
        return own
    if not is_system and name.casefold() != purl.full_name.casefold():  # npm and Go: some write all in lower case
        name = purl.full_name
    return canonical_name(purl.type, name), version, _refine_namespace(own[2], purl)


def _refine_version(version: str, purl: PackageUrl) -> str | None:
    """Return the version with the epoch that a package URL knows, or its version if there is none; None for another."""
    if not version or not purl.version or version == purl.version:
        return version or purl.version
    epoch, _, rest = purl.version.partition(":")
    return purl.version if epoch.isdecimal() and rest == version else None


def _refine_namespace(namespace: str, purl: PackageUrl) -> str:
    if purl.type not in PACKAGE_TYPES:
        return purl.type
    stated, release = kind_of(namespace), kind_of(purl.release)
    if stated.type and namespace != purl.type and (stated.release or stated.family != release.family):
        return namespace
    return release.name_in_image if release.type or namespace in {"", purl.type} else namespace


def _stated_spelling(place: PackagePlace, package: Package) -> Package:
    """Return a place as the package spells it, where it has it."""
    name, version, namespace = place
    kind = kind_of(namespace).type
    return Package(
        package.name if canonical_name(kind, package.name) == name else name,
        package.version if canonical_version(kind, package.version) == version else version,
        package.namespace if kind_of(package.namespace).name_in_image == namespace else "",
    )


@frozen
class FindingGroup:
    """Findings that mean the same; at least one.

    Attributes:
        place: The package that they are in.
        members: The findings.
        package: It in words that its findings use; in those of the place where none of them says as much.
    """

    place: PackagePlace
    members: Sequence[Found]
    package: Package = field(init=False)

    @package.default
    def _package(self) -> Package:
        stated = {one.shown for one in self.members}
        namespace = max({one.namespace for one in stated} - {""}, default=self.place[_STATED])
        if len(stated) == 1 and (only := next(iter(stated))).namespace == namespace:
            return only
        names = {(one.name, one.version) for one in stated}
        name, version = names.pop() if len(names) == 1 else map(_best_spelling, self.place, zip(*names, strict=True))
        return Package(name, version, namespace)


def _best_spelling(canonical: str, spellings: Iterable[str]) -> str:
    used = set(filter(None, spellings)) or {canonical}
    return canonical if canonical in used or not canonical else min(used)


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
    copies = len(parts) * sum(one.weight for one in silent)
    joined = level > 0 and copies <= MOST_JOINED  # a finding without a package stands apart
    for value, part in parts.items():
        yield from _split((*path, value), part + silent if joined else part)
    if silent and not (parts and joined):
        yield from _split((*path, ""), silent)


def _is_new(group: FindingGroup, placed: Set[int]) -> bool:
    """Return whether a finding that is in no group yet names this very package, not only one that it may be."""
    return any(one.place[:_STATED] == group.place[:_STATED] and id(one) not in placed for one in group.members)
