"""What has changed between two documents."""

from __future__ import annotations

from attrs import field, frozen
from portus_images import texts, word
from portus_scanners.models import UnresolvedImage, Vulnerability


@frozen(kw_only=True)
class SeverityChange:
    """A vulnerability that both documents have, shown with different severities."""

    old: Vulnerability
    new: Vulnerability


@frozen(kw_only=True)
class NotComparable:
    """A scanner that did not end ok both times, and what therefore nobody can say.

    Attributes:
        why: What became of it both times: ``it ended ok in the old report and failed in the new one``.
        vulnerabilities: Those that only one document has, and that are known from this scanner (or others like it)
            alone: nobody can say whether they came or went. Empty where there are none that we know of.
    """

    scanner: str = field(validator=word)
    why: str = field(validator=word)
    vulnerabilities: tuple[Vulnerability, ...] = ()


@frozen(kw_only=True)
class ImageDiff:
    """What has changed in one image of one platform.

    Attributes:
        reference: As it was written for the new document.
        platform: Empty where the image does not say.
        appeared: Only in the new document, where a scanner that found them had looked at all of the old image.
        vanished: Only in the old document, where a scanner that had found them has looked at all of the new image.
        severity_changed: Only where the change is not due to a scanner that did not end ok both times.
        newly_fixable: In both; a fix is known now and was not before.
        not_comparable: One for each scanner that did not end ok both times, by name.
    """

    reference: str
    platform: str
    old_digest: str
    new_digest: str
    appeared: tuple[Vulnerability, ...] = ()
    vanished: tuple[Vulnerability, ...] = ()
    severity_changed: tuple[SeverityChange, ...] = ()
    newly_fixable: tuple[Vulnerability, ...] = ()
    not_comparable: tuple[NotComparable, ...] = ()


@frozen(kw_only=True)
class DocumentDiff:
    """What has changed from one document to another.

    Attributes:
        images: Those that both have, in the order of the new document.
        only_old: References of images that only the old document has.
        only_new: References of images that only the new document has: there is nothing to compare them with.
        unresolved_old: What could not be scanned for the old document.
        unresolved_new: What could not be scanned for the new document: its vulnerabilities have not gone.
    """

    images: tuple[ImageDiff, ...] = ()
    only_old: tuple[str, ...] = field(default=(), converter=texts)
    only_new: tuple[str, ...] = field(default=(), converter=texts)
    unresolved_old: tuple[UnresolvedImage, ...] = ()
    unresolved_new: tuple[UnresolvedImage, ...] = ()
