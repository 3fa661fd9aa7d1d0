"""Which pages there are: images by registry and repository, with what stands over each. Pure functions.

`Standing` is what a page says of an image or a repository in one word. The word is `PASSED` only where nothing speaks
against it: the verdict alone is not enough, since a document may come from anywhere.

A page's file has a readable name (lower case ASCII letters, digits and hyphens) with a hash of the whole identity. It
is safe on every file system and stays the same from scan to scan; two names differ also where case does not count, and
none is one that Windows reserves.

Of each image 200 bytes are kept: as many as a registry has may be in one document.
"""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from enum import Enum
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Any

from attrs import frozen
from portus_policy import GateViolation, LazySequence
from portus_scanners import (
    ImageReference,
    ImageReport,
    InvalidReferenceError,
    LocalReference,
    Outcome,
    ReportDocument,
    UnresolvedImage,
    Verdict,
    parse_reference,
)

from ..doubts import verdict_of
from ..words import count, doubt_words, found_words, verdict_words
from .severities import SeverityTally, tally

INDEX = "index.html"
_HTML = ".html"
_UNSAFE = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG = 80
_HASH_DIGITS = 12
_DIGITS = 12
_SHORT_DIGEST = len("sha256:") + _DIGITS
_LOCAL = "local images"


class StandingWord(Enum):
    """The word as it is shown; the most urgent first."""

    VULNERABLE = "Vulnerable"
    UNKNOWN = "Unknown"
    PASSED = "Passed"


@frozen
class Standing:
    """What a page says of an image or a repository in one word, and what that rests on."""

    word: StandingWord
    sentence: str
    """Why this word; no foreign string is in it."""
    doubts: str = ""
    """Why there may be more, where some scanner did not see everything."""

    @property
    def urgency(self) -> int:
        """A key that sorts what is more urgent first."""
        return list(StandingWord).index(self.word)


def stand_of_image(report: ImageReport) -> Standing:
    """Return the standing of one image: ``Unknown``, "unknown: 1 of 2 scanners failed"."""
    verdict = verdict_of(report)
    if verdict is Verdict.VULNERABLE:
        return Standing(StandingWord.VULNERABLE, found_words(report), doubt_words(report))
    if verdict is Verdict.CLEAN:
        return Standing(StandingWord.PASSED, f"{count(len(report.results), 'scanner')} found nothing")
    return Standing(StandingWord.UNKNOWN, verdict_words(report))


def stand_of_repository(images: Sequence[Standing], unresolved: int) -> Standing:
    """Return the standing of several images; *unresolved* is how many more could not be scanned at all."""
    words = [image.word for image in images]
    parts = [f"{words.count(word)} {word.value.lower()}" for word in StandingWord if word in words]
    if unresolved:
        parts.append(f"{unresolved} not scanned")
    sentence = ", ".join(parts) or "no images"
    doubts = sum(bool(image.doubts) or image.word is StandingWord.UNKNOWN for image in images) + unresolved
    if StandingWord.VULNERABLE in words:
        doubt = f"not all is known of {doubts} of {count(len(images) + unresolved, 'image')}" if doubts else ""
        return Standing(StandingWord.VULNERABLE, sentence, doubt)
    return Standing(StandingWord.PASSED if words and not doubts else StandingWord.UNKNOWN, sentence)


def outcome_kind(outcome: Outcome) -> str:
    """Return ``good`` for a scanner that saw all of the image, else ``doubt``."""
    return "good" if outcome is Outcome.OK else "doubt"


@frozen
class RepositoryName:
    """The registry and repository by which images are grouped."""

    registry: str
    """``local images`` for those in folders and archives."""
    name: str


@frozen(kw_only=True)
class ImagePage:
    """The page of one image: what others say of it. Its report is read when it is written."""

    place: int
    """Which of the document's reports it shows."""
    reference: str
    whole_digest: str
    path: str
    tag: str
    """The tag, the digest or both, as the reference has them."""
    platform: str
    tally: SeverityTally
    standing: Standing

    @property
    def digest(self) -> str:
        """The beginning of the image's digest."""
        return self.whole_digest[:_SHORT_DIGEST]


@frozen(kw_only=True)
class RepositoryPage:
    """The page of one repository: its images, and what could not be scanned."""

    name: RepositoryName
    path: str
    images: Sequence[ImagePage]
    """The most urgent first; each is made when it is asked for."""
    unresolved: tuple[UnresolvedImage, ...]
    tally: SeverityTally
    standing: Standing
    words: Counter[StandingWord]
    """How many images have each word."""
    tags: int
    """The number of references that were scanned; several platforms of one tag count once."""

    @property
    def tags_words(self) -> str:
        """``2 tags``, or ``2 tags, 3 images`` where the same tag has several platforms."""
        images = len(self.images) + len(self.unresolved)
        return count(self.tags, "tag") + (f", {count(images, 'image')}" if images != self.tags else "")


@frozen(kw_only=True)
class ImageGroup:
    """The images of one repository."""

    name: RepositoryName
    path: str
    images: Sequence[ImagePage]
    """The most urgent first; each is made when it is asked for."""
    unresolved: tuple[UnresolvedImage, ...]

    def called(self, reference: str) -> Sequence[ImagePage]:
        """Return the images with a reference: those of several platforms, or of several reports."""
        return [self.images[place] for place in self._by_reference.get(reference, ())]

    @cached_property
    def _by_reference(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, image in enumerate(self.images):
            found.setdefault(image.reference, []).append(place)
        return found

    def page(self, tally: SeverityTally) -> RepositoryPage:
        """Return the page of the repository; *tally* counts what all of its images have."""
        standings, references = [], array("q")
        for image in self.images:
            standings.append(image.standing)
            references.append(hash(image.reference))
        references.extend(hash(error.reference) for error in self.unresolved)
        return RepositoryPage(
            name=self.name,
            path=self.path,
            images=self.images,
            unresolved=self.unresolved,
            tally=tally,
            standing=stand_of_repository(standings, len(self.unresolved)),
            words=Counter(one.word for one in standings),
            tags=sum(one != other for one, other in pairwise(sorted(references))) + bool(references),
        )


@frozen(kw_only=True)
class Site:
    """All pages except the overview."""

    document: ReportDocument
    repositories: tuple[RepositoryPage, ...]
    """The most urgent first."""

    _groups: dict[RepositoryName, ImageGroup]
    """What finds images by their references."""

    def images_of(self, violation: GateViolation) -> tuple[ImagePage, ...]:
        """Return the pages of the images that a violation is about; none where it is about all images."""
        group = self._groups.get(_repository_of_text(violation.reference))
        return pages_of(violation, group.called(violation.reference)) if group else ()

    @classmethod
    def of(cls, document: ReportDocument, pages: Iterable[RepositoryPage], groups: Iterable[ImageGroup]) -> Site:
        """Return the pages in the order in which the overview lists them."""
        key = lambda one: (*_urgency(one), one.name.registry, one.name.name)  # noqa: E731
        by_name = {group.name: group for group in groups}
        return cls(document=document, repositories=tuple(sorted(pages, key=key)), groups=by_name)


def pages_of(violation: GateViolation, pages: Iterable[ImagePage]) -> tuple[ImagePage, ...]:
    """Return those of *pages* that a violation is about.

    Where several images have one reference, the gate begins its message with the platform: ``linux/amd64: ...``.
    """
    called = tuple(page for page in pages if page.reference == violation.reference)
    named = tuple(page for page in called if page.platform and violation.message.startswith(f"{page.platform}: "))
    return named or called


def arrange(document: ReportDocument) -> tuple[ImageGroup, ...]:
    """Return the images of a document by repository; of each, what other pages say of it is kept."""
    paths, shared = PagePaths("images"), SharedValues()
    images: dict[RepositoryName, PackedPages] = {}
    for place, report in enumerate(document.reports):
        name = _repository_of(report.image.reference)
        images.setdefault(name, PackedPages(name, paths, shared)).add(place, report)
    unresolved: dict[RepositoryName, list[UnresolvedImage]] = {}
    for error in document.errors:
        unresolved.setdefault(_repository_of_text(error.reference), []).append(error)
    own = PagePaths("repositories")
    return tuple(
        ImageGroup(
            name=name,
            path=own.path(own.take(name.registry, name.name), name.registry, name.name),
            images=images[name].sequence() if name in images else (),
            unresolved=tuple(unresolved.get(name, ())),
        )
        for name in dict.fromkeys((*images, *unresolved))
    )


class SharedValues:
    """Keeps what many images have in common once: they stand alike, and have the same numbers."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._values: list[Any] = []

    def number(self, value: Hashable) -> int:
        """Return the number under which a value is kept."""
        if (number := self._numbers.setdefault(value, len(self._values))) == len(self._values):
            self._values.append(value)
        return number

    def __getitem__(self, number: int) -> Any:
        return self._values[number]


class PackedPages:
    """The pages of the images of one repository, each as JSON until it is asked for.

    Args:
        name: The repository.
        paths: Those of all images.
        shared: What images have in common.
    """

    def __init__(self, name: RepositoryName, paths: PagePaths, shared: SharedValues) -> None:
        self._name = name
        self._paths = paths
        self._shared = shared
        self._packed: list[bytes] = []

    def add(self, place: int, report: ImageReport) -> None:
        """Add the page of a report, which is at that place of the document."""
        image = report.image
        tag, platform = _tag_of(image.reference), str(image.platform or "")
        number = self._paths.take(self._name.registry, self._name.name, tag, platform)
        common = (platform, tally(report.vulnerabilities), stand_of_image(report))
        kept = (place, number, image.reference.text, image.digest, tag, *map(self._shared.number, common))
        self._packed.append(json.dumps(kept, separators=(",", ":")).encode())

    def sequence(self) -> Sequence[ImagePage]:
        """Return the pages, the most urgent first."""
        self._packed.sort(key=lambda one: self._order(self._make(one)))
        return LazySequence(len(self._packed), lambda place: self._make(self._packed[place]))

    def _make(self, packed: bytes) -> ImagePage:
        place, number, reference, digest, tag, *common = json.loads(packed)
        platform, numbers, standing = map(self._shared.__getitem__, common)
        return ImagePage(
            place=place,
            reference=reference,
            whole_digest=digest,
            path=self._paths.path(number, self._name.registry, self._name.name, tag, platform),
            tag=_short(tag),
            platform=platform,
            tally=numbers,
            standing=standing,
        )

    def _order(self, page: ImagePage) -> tuple[Any, ...]:
        return self._shared[self._shared.number(_urgency(page))], page.tag, page.platform, page.place


def _urgency(page: ImagePage | RepositoryPage) -> tuple[int, int, tuple[int, ...]]:
    """Return a key that sorts by the word, then the worst severity, then the number of each severity."""
    return page.standing.urgency, -page.tally.rank, tuple(-number for number in page.tally.weight)


def _repository_of(reference: ImageReference) -> RepositoryName:
    if isinstance(reference, LocalReference):
        return RepositoryName(_LOCAL, f"{reference.form}:{reference.path}")
    return RepositoryName(reference.registry, reference.repository)


def _repository_of_text(text: str) -> RepositoryName:
    """Return the repository of an image that could not be scanned; one without a valid reference has its own."""
    try:
        return _repository_of(parse_reference(text))
    except InvalidReferenceError:
        return RepositoryName("not an image reference", text)


def _tag_of(reference: ImageReference) -> str:
    if isinstance(reference, LocalReference):
        return reference.name
    return "@".join(part for part in (reference.tag, reference.digest) if part)


def _short(tag: str) -> str:
    """Return a tag as it is shown: of a digest, the beginning."""
    name, algorithm, digest = tag.rpartition("sha256:")
    return f"{name}{algorithm}{digest[:_DIGITS] if algorithm else digest}" or "(no name)"


def page_name(*identity: str) -> str:
    """Return the file name of a page: ``registry-example-team-app-1-0-linux-amd64-5a2b8c91d0ef.html``."""
    whole = json.dumps(identity).encode()  # ASCII, and no two identities give the same
    slug = _UNSAFE.sub("-", " ".join(part[:_LONGEST_SLUG] for part in identity).lower()).strip("-")
    slug = slug[:_LONGEST_SLUG].strip("-") or "page"
    return f"{slug}-{sha256(whole).hexdigest()[:_HASH_DIGITS]}{_HTML}"


class PagePaths:
    """Gives each page of a folder a path of its own; the second page of one identity ends in ``-2``."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._taken: Counter[int] = Counter()

    def take(self, *identity: str) -> int:
        """Return the number of a new page of this identity, with which no other page has its path."""
        key = int(page_name(*identity).removesuffix(_HTML)[-_HASH_DIGITS:], 16)
        self._taken[key] += 1
        return self._taken[key]

    def path(self, number: int, *identity: str) -> str:
        """Return the path of a page."""
        name = page_name(*identity)
        return f"{self._folder}/{name if number == 1 else f'{name.removesuffix(_HTML)}-{number}{_HTML}'}"
