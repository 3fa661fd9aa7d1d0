"""The counterparts of images and vulnerabilities in another document, and whose silence about them means something.

Images are the same that have one reference, without its digest, and one platform.

Vulnerabilities are the same where the id of one is an id or an alias of the other, they have a name of the package or
its source package in common, and a distribution or kind of packages (``debian``, ``pypi``), where both say; other
scanners may spell these otherwise. An alias in common is not enough: an advisory may be about several vulnerabilities.
The version plays no part: an upgrade that keeps a vulnerability is no news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

from attrs import define, frozen
from portus_images import Image, ImageReference, InvalidReferenceError, LocalReference, parse_reference
from portus_scanners.merge import canonical_name, kind_of
from portus_scanners.models import FixState, ImageReport, Outcome, Package, ReportDocument, Severity, Vulnerability

_FEW = 16
"""This many packages with one vulnerability are searched one by one; for more, an index is made."""


def ended_ok(report: ImageReport) -> frozenset[str]:
    """Return the scanners that have looked at all of an image: those with a run that ended ok."""
    return frozenset(run.scanner for run in report.results if run.outcome is Outcome.OK)


@frozen
class Counterpart:
    """What an index has for a vulnerability."""

    best: Vulnerability
    """The one of the highest severity."""
    fixable: bool
    """Whether any has a fix."""


class VulnerabilityIndex:
    """The vulnerabilities of one image, to be found by those of another document.

    Args:
        vulnerabilities: In any order.
    """

    def __init__(self, vulnerabilities: Iterable[Vulnerability]) -> None:
        self._by_id: dict[str, _Bucket] = defaultdict(_Bucket)
        self._by_name: dict[str, _Bucket] = defaultdict(_Bucket)
        for one in vulnerabilities:
            packages, families = _packages(one), _families(one)
            self._by_id[one.id].add(one, packages, families)
            for name in {one.id, *one.aliases}:
                self._by_name[name].add(one, packages, families)

    def find(self, vulnerability: Vulnerability) -> Counterpart | None:
        """Return the counterpart of a vulnerability; None where there is none."""
        found = list(self._entries_for(vulnerability))
        if not found:
            return None
        return Counterpart(max((entry.best for entry in found), key=_rank), any(entry.fixable for entry in found))

    def _entries_for(self, vulnerability: Vulnerability) -> Iterator[_Entry]:
        packages, families = _packages(vulnerability), _families(vulnerability)
        buckets = (self._by_name.get(vulnerability.id), *map(self._by_id.get, vulnerability.aliases))
        for bucket in buckets:
            if bucket is not None:
                yield from bucket.matching(packages, families)


@define(eq=False)
class _Entry:
    """The vulnerabilities of one name in one package, in all versions of it."""

    best: Vulnerability
    families: frozenset[str]
    packages: frozenset[str]
    fixable: bool

    def add(self, other: Vulnerability, packages: frozenset[str]) -> None:
        self.best = max(self.best, other, key=_rank)
        self.packages |= packages
        self.fixable = self.fixable or has_fix(other)


class _Bucket:
    """The vulnerabilities of one name."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, frozenset[str]], _Entry] = {}
        self._by_package: dict[str, list[_Entry]] | None = None

    def add(self, one: Vulnerability, packages: frozenset[str], families: frozenset[str]) -> None:
        key = _plain(one.package), families
        entry = self._entries.get(key)
        if entry is None:
            self._entries[key] = _Entry(one, families, packages, has_fix(one))
        else:
            entry.add(one, packages)

    def matching(self, packages: frozenset[str], families: frozenset[str]) -> Iterator[_Entry]:
        """Yield the entries in one of these packages and of one of these families, where both say."""
        for entry in self._candidates(packages):
            is_other = entry.families and families and families.isdisjoint(entry.families)
            if not is_other and not packages.isdisjoint(entry.packages):
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
    """Return the names of the packages that a vulnerability is known by; an empty one only where there is no other."""
    names = {_plain(package) for package in (one.package, *one.packages, *one.source_packages)}
    return frozenset(names - {""} or names)


def _plain(package: Package) -> str:
    return canonical_name(kind_of(package.namespace).type, package.name)


def _families(one: Vulnerability) -> frozenset[str]:
    """Return ``debian`` for ``debian:12``, for each name that a scanner has; empty where none says."""
    return frozenset(kind_of(each.namespace).family for each in (one.package, *one.packages) if each.namespace)


def _rank(one: Vulnerability) -> tuple[Severity, str, str, str, str]:
    package = one.package
    return one.severity, one.id, package.name, package.version, package.namespace


def image_key(image: Image) -> tuple[str, str]:
    """Return what is the same for an image and its successors."""
    return reference_key(image.reference), str(image.platform or "")


def reference_key(reference: ImageReference) -> str:
    """Return the reference written out, without its digest: a tag moves, and its digest with it."""
    if isinstance(reference, LocalReference):
        return str(reference)
    tag = f":{reference.tag}" if reference.tag else ""
    return f"{reference.registry}/{reference.repository}{tag}"


def text_key(text: str) -> str:
    """Return the key of a reference as a user wrote it; a string that is not a valid reference is its own key."""
    try:
        return reference_key(parse_reference(text))
    except InvalidReferenceError:
        return text


@frozen
class ImagePairs:
    """The images of two documents, by their places in these."""

    both: tuple[tuple[int, int], ...]
    """Old and new, in the order of the new document."""
    only_old: tuple[int, ...]
    only_new: tuple[int, ...]


def pair_images(old: Iterable[ImageReport], new: Iterable[ImageReport]) -> ImagePairs:
    """Pair images: of several with one key, first those of equal digest, then by their order.

    Each document is gone through once; 16 bytes each of two keys of an image are kept.
    """
    old_keys, new_keys = ([_keys(report.image) for report in reports] for reports in (old, new))
    partners = _pair(old_keys, new_keys)
    taken = set(partners.values())
    return ImagePairs(
        both=tuple((partners[place], place) for place in range(len(new_keys)) if place in partners),
        only_old=tuple(place for place in range(len(old_keys)) if place not in taken),
        only_new=tuple(place for place in range(len(new_keys)) if place not in partners),
    )


def _pair(old: Sequence[tuple[bytes, bytes]], new: Sequence[tuple[bytes, bytes]]) -> dict[int, int]:
    """Return for each place in *new* that has a partner the partner's place in *old*."""
    partners: dict[int, int] = {}
    for which in (0, 1):
        free: dict[bytes, list[int]] = defaultdict(list)
        taken = set(partners.values())
        for place, keys in enumerate(old):
            if place not in taken:
                free[keys[which]].append(place)
        for waiting in free.values():
            waiting.reverse()  # the first is taken from the end
        for place, keys in enumerate(new):
            waiting = free.get(keys[which], [])
            if place not in partners and waiting:
                partners[place] = waiting.pop()
    return partners


def _keys(image: Image) -> tuple[bytes, bytes]:
    """Return what is the same for an image of the same digest, and for any of its successors."""
    key = image_key(image)
    return _short(*key, image.digest), _short(*key)


def _short(*texts: str) -> bytes:
    """Return 16 bytes that stand for some strings."""
    return blake2b(repr(texts).encode(errors="surrogatepass"), digest_size=16).digest()


class BaselineImages:
    """What an earlier document knows of each image; of the vulnerabilities, those of one image are held at a time.

    Args:
        document: The earlier document.
    """

    def __init__(self, document: ReportDocument) -> None:
        self._reports = document.reports
        self._places: dict[bytes, dict[bytes, list[int]]] = {}
        for place, report in enumerate(document.reports):
            same, key = _keys(report.image)
            self._places.setdefault(key, {}).setdefault(same, []).append(place)
        self._last: tuple[bytes, dict[bytes, VulnerabilityIndex]] = b"", {}

    def earlier(self, image: Image) -> tuple[VulnerabilityIndex, ...]:
        """Return what an image had before: with its own digest, otherwise with each digest that it may have had.

        Of an image that the document has several times with one digest, all are taken together.
        """
        same, key = _keys(image)
        by_digest = self._places.get(key, {})
        if self._last[0] != key:
            self._last = key, {}
        indexes = self._last[1]
        for digest in [same] if same in by_digest else by_digest:
            if digest not in indexes:
                reports = (self._reports[place] for place in by_digest[digest])
                indexes[digest] = VulnerabilityIndex(one for report in reports for one in report.vulnerabilities)
        return (indexes[same],) if same in by_digest else tuple(indexes[digest] for digest in by_digest)
