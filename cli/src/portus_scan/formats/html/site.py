"""Which pages there are: the images of a document by registry and repository. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen
from portus_policy import GateViolation
from portus_scanners import (
    ImageReference,
    ImageReport,
    InvalidReferenceError,
    LocalReference,
    ReportDocument,
    UnresolvedImage,
    parse_reference,
)

from ..words import count
from .places import Places
from .standing import Standing, stand_of_image, stand_of_repository
from .tally import Tally, tally, tally_each_once

_DIGITS = 12
_SHORT_DIGEST = len("sha256:") + _DIGITS
_LOCAL = "local images"


@frozen
class RepositoryName:
    """What images are grouped by."""

    registry: str
    """``local images`` for those in folders and archives."""
    name: str


@frozen(kw_only=True)
class ImagePage:
    """One image."""

    report: ImageReport
    path: str
    tag: str
    """The tag, the digest or both, as the reference has them."""
    platform: str
    tally: Tally
    standing: Standing

    @property
    def digest(self) -> str:
        """The beginning of the image's digest."""
        return self.report.image.digest[:_SHORT_DIGEST]


@frozen(kw_only=True)
class RepositoryPage:
    """All images of one repository, and what of it could not be scanned."""

    name: RepositoryName
    path: str
    images: tuple[ImagePage, ...]
    """The most urgent first."""
    unresolved: tuple[UnresolvedImage, ...]
    tally: Tally
    standing: Standing

    @property
    def tags(self) -> int:
        """How many names of images were asked for; several platforms of one tag are one."""
        names = {image.report.image.reference.text for image in self.images}
        return len(names | {error.reference for error in self.unresolved})

    @property
    def tags_words(self) -> str:
        """``2 tags``, or ``2 tags, 3 images`` where the same tag has several platforms."""
        images = len(self.images) + len(self.unresolved)
        return count(self.tags, "tag") + (f", {count(images, 'image')}" if images != self.tags else "")


@frozen(kw_only=True)
class Site:
    """All pages but the overview."""

    document: ReportDocument
    repositories: tuple[RepositoryPage, ...]
    """The most urgent first."""

    def images_of(self, violation: GateViolation) -> tuple[ImagePage, ...]:
        """Return the pages of the images that a rule of the gate does not hold for; none where it is about all."""
        pages = [image for repository in self.repositories for image in repository.images]
        return pages_of(violation, pages)


def pages_of(violation: GateViolation, pages: Iterable[ImagePage]) -> tuple[ImagePage, ...]:
    """Return which of these pages a violation is about.

    Of several images with one reference the gate begins its message with the platform: ``linux/amd64: ...``.
    """
    called = tuple(page for page in pages if page.report.image.reference.text == violation.reference)
    named = tuple(page for page in called if page.platform and violation.message.startswith(f"{page.platform}: "))
    return named or called


def arrange(document: ReportDocument) -> Site:
    """Return the pages of a document."""
    places = Places()
    images: dict[RepositoryName, list[ImagePage]] = {}
    for report in document.reports:
        name = _repository_of(report.image.reference)
        images.setdefault(name, []).append(_image_page(name, report, places))
    unresolved: dict[RepositoryName, list[UnresolvedImage]] = {}
    for error in document.errors:
        unresolved.setdefault(_repository_of_text(error.reference), []).append(error)
    repositories = [
        _repository_page(name, images.get(name, ()), unresolved.get(name, ()), places)
        for name in dict.fromkeys((*images, *unresolved))
    ]
    repositories.sort(key=lambda one: (*_urgency(one), one.name.registry, one.name.name))
    return Site(document=document, repositories=tuple(repositories))


def _image_page(name: RepositoryName, report: ImageReport, places: Places) -> ImagePage:
    tag, platform = _tag_of(report.image.reference), str(report.image.platform or "")
    return ImagePage(
        report=report,
        path=places.take("images", name.registry, name.name, tag, platform),
        tag=_short(tag),
        platform=platform,
        tally=tally(report.vulnerabilities),
        standing=stand_of_image(report),
    )


def _repository_page(
    name: RepositoryName, images: Iterable[ImagePage], unresolved: Iterable[UnresolvedImage], places: Places
) -> RepositoryPage:
    pages = sorted(images, key=lambda one: (*_urgency(one), one.tag, one.platform, one.path))
    errors = tuple(unresolved)
    return RepositoryPage(
        name=name,
        path=places.take("repositories", name.registry, name.name),
        images=tuple(pages),
        unresolved=errors,
        tally=tally_each_once(page.report.vulnerabilities for page in pages),
        standing=stand_of_repository([page.standing for page in pages], len(errors)),
    )


def _urgency(page: ImagePage | RepositoryPage) -> tuple[int, int, tuple[int, ...]]:
    """Sort by the word, then the worst severity, then how many there are of each."""
    return page.standing.urgency, -page.tally.rank, tuple(-number for number in page.tally.weight)


def _repository_of(reference: ImageReference) -> RepositoryName:
    if isinstance(reference, LocalReference):
        return RepositoryName(_LOCAL, f"{reference.form}:{reference.path}")
    return RepositoryName(reference.registry, reference.repository)


def _repository_of_text(text: str) -> RepositoryName:
    """Return the repository of what could not be scanned; a text that is no reference is one of its own."""
    try:
        return _repository_of(parse_reference(text))
    except InvalidReferenceError:
        return RepositoryName("not an image reference", text)


def _tag_of(reference: ImageReference) -> str:
    if isinstance(reference, LocalReference):
        return reference.name
    return "@".join(part for part in (reference.tag, reference.digest) if part)


def _short(tag: str) -> str:
    """Return what is shown: of a digest, its beginning."""
    name, algorithm, digest = tag.rpartition("sha256:")
    return f"{name}{algorithm}{digest[:_DIGITS] if algorithm else digest}" or "(no name)"
