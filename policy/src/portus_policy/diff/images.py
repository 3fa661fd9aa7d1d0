"""Which images of two documents are the same: those of one reference without its digest, and of one platform."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from attrs import frozen
from portus_images import Image, ImageReference, InvalidReferenceError, LocalReference, parse_reference
from portus_scanners.models import ImageReport, ReportDocument, Vulnerability

from .matching import VulnerabilityIndex

ImageKey = tuple[str, str]
"""Reference without digest, platform."""


def image_key(image: Image) -> ImageKey:
    """Return what is the same for an image and its successors."""
    return reference_key(image.reference), str(image.platform or "")


def reference_key(reference: ImageReference) -> str:
    """Return the reference written out, without its digest: a tag moves, and its digest with it."""
    if isinstance(reference, LocalReference):
        return str(reference)
    tag = f":{reference.tag}" if reference.tag else ""
    return f"{reference.registry}/{reference.repository}{tag}"


def text_key(text: str) -> str:
    """Return the same of a reference as a user wrote it; a text that is none is its own."""
    try:
        return reference_key(parse_reference(text))
    except InvalidReferenceError:
        return text


@frozen
class Pairs:
    """The images of two documents."""

    both: tuple[tuple[ImageReport, ImageReport], ...]
    """Old and new, in the order of the new document."""
    only_old: tuple[ImageReport, ...]
    only_new: tuple[ImageReport, ...]


def pair_images(old: Iterable[ImageReport], new: Iterable[ImageReport]) -> Pairs:
    """Pair images: of several with one key, first those of equal digest, then by their order."""
    old, new = tuple(old), tuple(new)
    partners = _pair(old, new)
    taken = set(partners.values())
    return Pairs(
        both=tuple((old[partners[place]], report) for place, report in enumerate(new) if place in partners),
        only_old=tuple(report for place, report in enumerate(old) if place not in taken),
        only_new=tuple(report for place, report in enumerate(new) if place not in partners),
    )


def _pair(old: tuple[ImageReport, ...], new: tuple[ImageReport, ...]) -> dict[int, int]:
    """Return for places in *new* those in *old*."""
    partners: dict[int, int] = {}
    for with_digest in (True, False):
        free: dict[tuple[str, ...], list[int]] = defaultdict(list)
        taken = set(partners.values())
        for place, report in enumerate(old):
            if place not in taken:
                free[_key(report.image, with_digest=with_digest)].append(place)
        for waiting in free.values():
            waiting.reverse()  # the first is taken from the end
        for place, report in enumerate(new):
            waiting = free.get(_key(report.image, with_digest=with_digest), [])
            if place not in partners and waiting:
                partners[place] = waiting.pop()
    return partners


def _key(image: Image, *, with_digest: bool) -> tuple[str, ...]:
    return (*image_key(image), image.digest if with_digest else "")


@frozen
class BaselineImages:
    """What an earlier document knows of each image."""

    _by_key: Mapping[ImageKey, Mapping[str, VulnerabilityIndex]]
    """For each image what each digest of it has."""

    @classmethod
    def of(cls, document: ReportDocument) -> BaselineImages:
        """Return it; of an image that is there several times with one digest, all together."""
        found: dict[ImageKey, dict[str, list[Vulnerability]]] = defaultdict(lambda: defaultdict(list))
        for report in document.reports:
            found[image_key(report.image)][report.image.digest].extend(report.vulnerabilities)
        return cls(
            {
                key: {digest: VulnerabilityIndex(vulnerabilities) for digest, vulnerabilities in by_digest.items()}
                for key, by_digest in found.items()
            }
        )

    def earlier(self, image: Image) -> tuple[VulnerabilityIndex, ...]:
        """Return what an image had before: that of its own digest, else that of each one that it may have come from."""
        by_digest = self._by_key.get(image_key(image), {})
        same = by_digest.get(image.digest)
        return (same,) if same else tuple(by_digest.values())
