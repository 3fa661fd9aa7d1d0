"""What has changed from one document to another. Pure functions.

``docs/reference/diff.md`` has the rules for users; `counterparts.py` says which images and vulnerabilities are the
same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from attrs import evolve, field, frozen
from portus_images import nonempty_string, strings
from portus_scanners.models import ImageReport, ReportDocument, Severity, UnresolvedImage, Vulnerability
from portus_scanners.serialize import SCHEMA_VERSION, document_converter

from .counterparts import VulnerabilityIndex, ended_ok, has_fix, image_key, pair_images, text_key
from .sequences import LazySequence

_NOT_ASKED = "was not asked"
_dump = partial(json.dumps, separators=(",", ":"), allow_nan=False)


@frozen(kw_only=True)
class SeverityChange:
    """A vulnerability that both documents have, shown with different severities.

    Attributes:
        old: The vulnerability in the old document.
        new: The vulnerability in the new document.
    """

    old: Vulnerability
    new: Vulnerability


@frozen(kw_only=True)
class NotComparable:
    """A scanner that did not end ok both times, and what can't be said because of it.

    Attributes:
        scanner: The scanner's name in the configuration.
        why: How it ended both times: ``it ended ok in the old report and failed in the new one``.
        vulnerabilities: Those that only one document has, and that only this scanner (or others that did not end ok
            both times) has found: nobody can say whether they came or went. Empty where none is known.
    """

    scanner: str = field(validator=nonempty_string)
    why: str = field(validator=nonempty_string)
    vulnerabilities: tuple[Vulnerability, ...] = ()


@frozen(kw_only=True)
class ImageDiff:
    """What has changed in one image of one platform.

    Attributes:
        reference: The reference as it was written for the new document.
        platform: The image's platform: ``linux/amd64``; empty where the image does not say.
        old_digest: Digest of the image in the old document.
        new_digest: Digest of the image in the new document.
        appeared: Those that only the new document has, where a scanner that found them had looked at all of the old
            image.
        vanished: Those that only the old document has, where a scanner that had found them looked at all of the new
            image.
        severity_changed: Those shown with another severity, where the change is not due to a scanner that did not end
            ok both times.
        newly_fixable: Those that both documents have, with a fix that is known now and was not before.
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
        images: Those that both have, in the order of the new document: a tuple, or of large files a sequence that
            compares two images when they are asked for.
        only_old: References of images that only the old document has.
        only_new: References of images that only the new document has: there is nothing to compare them with.
        unresolved_old: What could not be scanned for the old document.
        unresolved_new: What could not be scanned for the new document: its vulnerabilities have not gone.
    """

    images: Sequence[ImageDiff] = ()
    only_old: tuple[str, ...] = field(default=(), converter=strings)
    only_new: tuple[str, ...] = field(default=(), converter=strings)
    unresolved_old: tuple[UnresolvedImage, ...] = ()
    unresolved_new: tuple[UnresolvedImage, ...] = ()


def dump_diff(diff: DocumentDiff) -> str:
    """Return a diff as a JSON string, with a newline at the end: ``{"schema_version":1,"images":[...],...}``.

    Members are named as in `DocumentDiff`; vulnerabilities are written as in a report document, but with everything
    that they share with their findings. ASCII only; each image is on a line of its own.
    """
    return "".join(diff_pieces(diff))


def diff_pieces(diff: DocumentDiff) -> Iterator[str]:
    """Yield a diff as `dump_diff` returns it, an image at a time."""
    unstructure = document_converter().unstructure
    yield f'{{"schema_version":{SCHEMA_VERSION},"images":['
    separator = "\n"
    for image in diff.images:
        yield separator + _dump(unstructure(image))
        separator = ",\n"
    rest = unstructure(evolve(diff, images=()))
    del rest["images"]
    yield f"],{_dump(rest)[1:]}\n"


def compare_documents(old: ReportDocument, new: ReportDocument) -> DocumentDiff:
    """Return what has changed from one document to another; suppressed vulnerabilities are compared like others.

    Args:
        old: The earlier one.
        new: The later one.

    Returns:
        For each image that both have: what appeared and vanished, as far as a scanner that knows it has looked both
        times; what has another severity or a fix now; and what can't be said, by scanner. In each of them
        vulnerabilities stand in the order of their report. Images that only one has are named.
    """
    pairs = pair_images(old.reports, new.reports)

    def compare(number: int) -> ImageDiff:
        before, after = pairs.both[number]
        return _Comparison.of(old.reports[before], new.reports[after]).result()

    images = LazySequence(len(pairs.both), compare)
    is_small = isinstance(old.reports, tuple) and isinstance(new.reports, tuple)
    return DocumentDiff(
        images=tuple(images) if is_small else images,
        only_old=_lone((old.reports[place] for place in pairs.only_old), new.errors),
        only_new=_lone((new.reports[place] for place in pairs.only_new), old.errors),
        unresolved_old=old.errors,
        unresolved_new=new.errors,
    )


def _lone(reports: Iterable[ImageReport], others: Iterable[UnresolvedImage]) -> tuple[str, ...]:
    """Return the references of the images that the other document does not name among its errors either."""
    named = {text_key(error.reference) for error in others}
    return tuple(report.image.reference.text for report in reports if image_key(report.image)[0] not in named)


@frozen
class _Comparison:
    """Two reports of one image."""

    old: ImageReport
    new: ImageReport
    old_index: VulnerabilityIndex
    new_index: VulnerabilityIndex
    scanners: _Scanners

    @classmethod
    def of(cls, old: ImageReport, new: ImageReport) -> _Comparison:
        old_index, new_index = VulnerabilityIndex(old.vulnerabilities), VulnerabilityIndex(new.vulnerabilities)
        return cls(old, new, old_index, new_index, _Scanners.of(old, new))

    def result(self) -> ImageDiff:
        """Return what has changed."""
        missing_old = [one for one in self.new.vulnerabilities if self.old_index.find(one) is None]
        missing_new = [one for one in self.old.vulnerabilities if self.new_index.find(one) is None]
        appeared, doubtful_new = _sort_out(missing_old, self.scanners.old_ok)
        vanished, doubtful_old = _sort_out(missing_new, self.scanners.new_ok)
        image = self.new.image
        return ImageDiff(
            reference=image.reference.text,
            platform=str(image.platform or ""),
            old_digest=self.old.image.digest,
            new_digest=image.digest,
            appeared=appeared,
            vanished=vanished,
            severity_changed=tuple(self._severity_changes()),
            newly_fixable=tuple(self._newly_fixable()),
            not_comparable=tuple(self._not_comparable((*doubtful_new, *doubtful_old))),
        )

    def _severity_changes(self) -> Iterator[SeverityChange]:
        """Yield each other's best matches: a vulnerability is in one pair at most, whichever document is older."""
        for new in self.new.vulnerabilities:
            match = self.old_index.find(new)
            if match is None:
                continue
            back = self.new_index.find(match.best)
            if back is not None and back.best is new and self._has_changed(match.best, new):
                yield SeverityChange(old=match.best, new=new)

    def _has_changed(self, old: Vulnerability, new: Vulnerability) -> bool:
        """Return whether another severity is shown, and not only because other scanners have looked."""
        if old.severity is new.severity:
            return False
        before, after = (_severities_by(one, self.scanners.both_ok) for one in (old, new))
        return before != after

    def _newly_fixable(self) -> Iterator[Vulnerability]:
        for new in self.new.vulnerabilities:
            match = self.old_index.find(new) if has_fix(new) else None
            if match is not None and not match.fixable:
                yield new

    def _not_comparable(self, doubtful: tuple[Vulnerability, ...]) -> Iterator[NotComparable]:
        for scanner, why in self.scanners.doubtful():
            known = tuple(one for one in doubtful if scanner in one.scanners)
            yield NotComparable(scanner=scanner, why=why, vulnerabilities=known)


@frozen
class _Scanners:
    """The scanners of one image, in two documents."""

    old: dict[str, str]
    """How each ended in the old document, in words."""
    new: dict[str, str]
    old_ok: frozenset[str]
    """Those that have looked at all of the old image."""
    new_ok: frozenset[str]

    @classmethod
    def of(cls, old: ImageReport, new: ImageReport) -> _Scanners:
        """Return the scanners of two reports."""
        return cls(_endings(old), _endings(new), ended_ok(old), ended_ok(new))

    @property
    def both_ok(self) -> frozenset[str]:
        """Those that have looked at all of both images."""
        return self.old_ok & self.new_ok

    def doubtful(self) -> Iterator[tuple[str, str]]:
        """Yield each scanner that did not look at all of both images, by name, with how it ended."""
        for name in sorted({*self.old, *self.new} - self.both_ok):
            old, new = self.old.get(name, _NOT_ASKED), self.new.get(name, _NOT_ASKED)
            yield name, f"it {old} both times" if old == new else f"it {old} in the old report and {new} in the new one"


def _is_certain(vulnerability: Vulnerability, looked: Iterable[str]) -> bool:
    """Return whether a scanner that knows a vulnerability would have seen it in the document that does not have it."""
    return not set(vulnerability.scanners).isdisjoint(looked)


def _endings(report: ImageReport) -> dict[str, str]:
    """Return how each scanner ended; of several runs of one, ok where one did."""
    endings = {run.scanner: f"ended {run.outcome.value}" for run in report.results}
    return endings | dict.fromkeys(ended_ok(report), "ended ok")


def _sort_out(
    missing: Iterable[Vulnerability], looked: frozenset[str]
) -> tuple[tuple[Vulnerability, ...], tuple[Vulnerability, ...]]:
    """Return what certainly was not there, and what may have been: no scanner that knows it looked."""
    missing = tuple(missing)
    certain = tuple(one for one in missing if _is_certain(one, looked))
    return certain, tuple(one for one in missing if not _is_certain(one, looked))


def _severities_by(vulnerability: Vulnerability, scanners: frozenset[str]) -> dict[str, Severity]:
    """Return the highest rating of each of these scanners that rates a vulnerability."""
    found: dict[str, Severity] = {}
    for rating in vulnerability.ratings:
        if rating.scanner in scanners:
            found[rating.scanner] = max(rating.severity, found.get(rating.scanner, rating.severity))
    return found
