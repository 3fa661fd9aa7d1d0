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
from hashlib import sha256

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
from .severities import SeverityTally, tally, tally_each_once

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
    """The page of one image."""

    report: ImageReport
    path: str
    tag: str
    """The tag, the digest or both, as the reference has them."""
    platform: str
    tally: SeverityTally
    standing: Standing

    @property
    def digest(self) -> str:
        """The beginning of the image's digest."""
        return self.report.image.digest[:_SHORT_DIGEST]


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
        names = {image.report.image.reference.text for image in self.images}
        return len(names | {error.reference for error in self.unresolved})

    @property
    def tags_words(self) -> str:
        """``2 tags``, or ``2 tags, 3 images`` where the same tag has several platforms."""
        images = len(self.images) + len(self.unresolved)
        return count(self.tags, "tag") + (f", {count(images, 'image')}" if images != self.tags else "")


@frozen(kw_only=True)
class Site:
    """All pages except the overview."""

    document: ReportDocument
    repositories: tuple[RepositoryPage, ...]
    """The most urgent first."""

    def images_of(self, violation: GateViolation) -> tuple[ImagePage, ...]:
        """Return the pages of the images that a violation is about; none where it is about all images."""
        pages = [image for repository in self.repositories for image in repository.images]
        return pages_of(violation, pages)


def pages_of(violation: GateViolation, pages: Iterable[ImagePage]) -> tuple[ImagePage, ...]:
    """Return those of *pages* that a violation is about.

    Where several images have one reference, the gate begins its message with the platform: ``linux/amd64: ...``.
    """
    called = tuple(page for page in pages if page.report.image.reference.text == violation.reference)
    named = tuple(page for page in called if page.platform and violation.message.startswith(f"{page.platform}: "))
    return named or called


def arrange(document: ReportDocument) -> Site:
    """Return the pages of a document."""
    paths = PagePaths()
    images: dict[RepositoryName, list[ImagePage]] = {}
    for report in document.reports:
        name = _repository_of(report.image.reference)
        images.setdefault(name, []).append(_image_page(name, report, paths))
    unresolved: dict[RepositoryName, list[UnresolvedImage]] = {}
    for error in document.errors:
        unresolved.setdefault(_repository_of_text(error.reference), []).append(error)
    repositories = [
        _repository_page(name, images.get(name, ()), unresolved.get(name, ()), paths)
        for name in dict.fromkeys((*images, *unresolved))
    ]
    repositories.sort(key=lambda one: (*_urgency(one), one.name.registry, one.name.name))
    return Site(document=document, repositories=tuple(repositories))


def _image_page(name: RepositoryName, report: ImageReport, paths: PagePaths) -> ImagePage:
    tag, platform = _tag_of(report.image.reference), str(report.image.platform or "")
    return ImagePage(
        report=report,
        path=paths.take("images", name.registry, name.name, tag, platform),
        tag=_short(tag),
        platform=platform,
        tally=tally(report.vulnerabilities),
        standing=stand_of_image(report),
    )


def _repository_page(
    name: RepositoryName, images: Iterable[ImagePage], unresolved: Iterable[UnresolvedImage], paths: PagePaths
) -> RepositoryPage:
    pages = sorted(images, key=lambda one: (*_urgency(one), one.tag, one.platform, one.path))
    errors = tuple(unresolved)
    return RepositoryPage(
        name=name,
        path=paths.take("repositories", name.registry, name.name),
        images=tuple(pages),
        unresolved=errors,
        tally=tally_each_once(page.report.vulnerabilities for page in pages),
        standing=stand_of_repository([page.standing for page in pages], len(errors)),
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
