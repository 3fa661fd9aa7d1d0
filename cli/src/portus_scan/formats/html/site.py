"""Which pages there are: images by registry and repository, with what stands over each. Pure functions.

`Standing` is what a page says of an image or a repository in one word. The word is `PASSED` only where nothing speaks
against it: the verdict alone is not enough, since a document may come from anywhere.

A page's file has a readable name (lower case ASCII letters, digits and hyphens) with a hash of the whole identity. It
is safe on every file system and stays the same from scan to scan; two names differ also where case does not count, and
none is one that Windows reserves.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import Any, TypeVar

from attrs import frozen
from portus_policy import GateViolation
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

ValueT = TypeVar("ValueT")

INDEX = "index.html"
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
    images: tuple[ImagePage, ...]
    """The most urgent first."""
    unresolved: tuple[UnresolvedImage, ...]
    tally: SeverityTally
    standing: Standing

    @property
    def tags(self) -> int:
        """The number of references that were scanned; several platforms of one tag count once."""
        names = {image.reference for image in self.images}
        return len(names | {error.reference for error in self.unresolved})

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
    images: tuple[ImagePage, ...]
    """The most urgent first."""
    unresolved: tuple[UnresolvedImage, ...]

    def called(self, reference: str) -> Sequence[ImagePage]:
        """Return the images with a reference: those of several platforms, or of several reports."""
        return self._by_reference.get(reference, ())

    @cached_property
    def _by_reference(self) -> dict[str, list[ImagePage]]:
        return _by_reference(self.images)

    def page(self, tally: SeverityTally) -> RepositoryPage:
        """Return the page of the repository; *tally* counts what all of its images have."""
        standing = stand_of_repository([page.standing for page in self.images], len(self.unresolved))
        return RepositoryPage(
            name=self.name,
            path=self.path,
            images=self.images,
            unresolved=self.unresolved,
            tally=tally,
            standing=standing,
        )


@frozen(kw_only=True)
class Site:
    """All pages except the overview."""

    document: ReportDocument
    repositories: tuple[RepositoryPage, ...]
    """The most urgent first."""

    def images_of(self, violation: GateViolation) -> tuple[ImagePage, ...]:
        """Return the pages of the images that a violation is about; none where it is about all images."""
        return pages_of(violation, self._by_reference.get(violation.reference, ()))

    @cached_property
    def _by_reference(self) -> dict[str, list[ImagePage]]:
        return _by_reference(chain.from_iterable(repository.images for repository in self.repositories))

    @classmethod
    def of(cls, document: ReportDocument, repositories: Iterable[RepositoryPage]) -> Site:
        """Return the pages in the order in which the overview lists them."""
        key = lambda one: (*_urgency(one), one.name.registry, one.name.name)  # noqa: E731
        return cls(document=document, repositories=tuple(sorted(repositories, key=key)))


def _by_reference(images: Iterable[ImagePage]) -> dict[str, list[ImagePage]]:
    found: dict[str, list[ImagePage]] = {}
    for image in images:
        found.setdefault(image.reference, []).append(image)
    return found


def pages_of(violation: GateViolation, pages: Iterable[ImagePage]) -> tuple[ImagePage, ...]:
    """Return those of *pages* that a violation is about.

    Where several images have one reference, the gate begins its message with the platform: ``linux/amd64: ...``.
    """
    called = tuple(page for page in pages if page.reference == violation.reference)
    named = tuple(page for page in called if page.platform and violation.message.startswith(f"{page.platform}: "))
    return named or called


def arrange(document: ReportDocument) -> tuple[ImageGroup, ...]:
    """Return the images of a document by repository; of each, what other pages say of it is kept."""
    paths, words = PagePaths(), SharedWords()
    images: dict[RepositoryName, list[ImagePage]] = {}
    for place, report in enumerate(document.reports):
        name = _repository_of(report.image.reference)
        images.setdefault(name, []).append(_image_page(name, place, report, paths, words))
    unresolved: dict[RepositoryName, list[UnresolvedImage]] = {}
    for error in document.errors:
        unresolved.setdefault(_repository_of_text(error.reference), []).append(error)
    return tuple(
        ImageGroup(
            name=name,
            path=paths.take("repositories", name.registry, name.name),
            images=tuple(sorted(images.get(name, ()), key=_order)),
            unresolved=tuple(unresolved.get(name, ())),
        )
        for name in dict.fromkeys((*images, *unresolved))
    )


def _order(page: ImagePage) -> tuple[Any, ...]:
    return (*_urgency(page), page.tag, page.platform, page.path)


class SharedWords:
    """Keeps what many images have in common once: they stand alike, and have the same numbers."""

    def __init__(self) -> None:
        self._known: dict[object, object] = {}

    def one(self, value: ValueT) -> ValueT:
        """Return an equal value that was seen before, otherwise this one."""
        return self._known.setdefault(value, value)  # type: ignore[return-value]


def _image_page(
    name: RepositoryName, place: int, report: ImageReport, paths: PagePaths, words: SharedWords
) -> ImagePage:
    image = report.image
    tag, platform = _tag_of(image.reference), str(image.platform or "")
    return ImagePage(
        place=place,
        reference=image.reference.text,
        whole_digest=words.one(image.digest),
        path=paths.take("images", name.registry, name.name, tag, platform),
        tag=_short(tag),
        platform=words.one(platform),
        tally=words.one(tally(report.vulnerabilities)),
        standing=words.one(stand_of_image(report)),
    )


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
    return f"{slug}-{sha256(whole).hexdigest()[:_HASH_DIGITS]}.html"


class PagePaths:
    """Gives each page a path of its own; the second page of one identity ends in ``-2``."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, folder: str, *identity: str) -> str:
        """Return a path that no other page has."""
        name = page_name(*identity)
        self._taken[f"{folder}/{name}"] += 1
        times = self._taken[f"{folder}/{name}"]
        return f"{folder}/{name}" if times == 1 else f"{folder}/{name.removesuffix('.html')}-{times}.html"
