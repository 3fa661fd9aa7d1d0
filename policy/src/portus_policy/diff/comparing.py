"""The comparison of two documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen
from portus_scanners.models import ImageReport, ReportDocument, Severity, UnresolvedImage, Vulnerability

from .document_diff import DocumentDiff, ImageDiff, NotComparable, SeverityChange
from .images import image_key, pair_images, text_key
from .matching import VulnerabilityIndex, has_fix
from .witnesses import Witnesses, is_certain


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
    return DocumentDiff(
        images=tuple(_Comparison.of(*pair).result() for pair in pairs.both),
        only_old=_lone(pairs.only_old, new.errors),
        only_new=_lone(pairs.only_new, old.errors),
        unresolved_old=old.errors,
        unresolved_new=new.errors,
    )


def _lone(reports: Iterable[ImageReport], others: Iterable[UnresolvedImage]) -> tuple[str, ...]:
    """Return the references of images that the other document does not even name."""
    named = {text_key(error.reference) for error in others}
    return tuple(report.image.reference.text for report in reports if image_key(report.image)[0] not in named)


@frozen
class _Comparison:
    """Two reports of one image."""

    old: ImageReport
    new: ImageReport
    old_index: VulnerabilityIndex
    new_index: VulnerabilityIndex
    witnesses: Witnesses

    @classmethod
    def of(cls, old: ImageReport, new: ImageReport) -> _Comparison:
        old_index, new_index = VulnerabilityIndex(old.vulnerabilities), VulnerabilityIndex(new.vulnerabilities)
        return cls(old, new, old_index, new_index, Witnesses.of(old, new))

    def result(self) -> ImageDiff:
        """Return what has changed."""
        missing_old = [one for one in self.new.vulnerabilities if self.old_index.find(one) is None]
        missing_new = [one for one in self.old.vulnerabilities if self.new_index.find(one) is None]
        appeared, doubtful_new = _sort_out(missing_old, self.witnesses.old_ok)
        vanished, doubtful_old = _sort_out(missing_new, self.witnesses.new_ok)
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
        """Pair those that are each other's best match: each is in one pair at most, whichever document is the old."""
        for new in self.new.vulnerabilities:
            match = self.old_index.find(new)
            if match is None:
                continue
            back = self.new_index.find(match.best)
            if back is not None and back.best is new and self._has_changed(match.best, new):
                yield SeverityChange(old=match.best, new=new)

    def _has_changed(self, old: Vulnerability, new: Vulnerability) -> bool:
        """Return whether it is shown with another severity, and not only because other scanners have looked."""
        if old.severity is new.severity:
            return False
        before, after = (_severities_by(one, self.witnesses.both_ok) for one in (old, new))
        return before != after

    def _newly_fixable(self) -> Iterator[Vulnerability]:
        for new in self.new.vulnerabilities:
            match = self.old_index.find(new) if has_fix(new) else None
            if match is not None and not match.fixable:
                yield new

    def _not_comparable(self, doubtful: tuple[Vulnerability, ...]) -> Iterator[NotComparable]:
        for scanner, why in self.witnesses.doubtful():
            known = tuple(one for one in doubtful if scanner in one.scanners)
            yield NotComparable(scanner=scanner, why=why, vulnerabilities=known)


def _sort_out(
    missing: Iterable[Vulnerability], looked: frozenset[str]
) -> tuple[tuple[Vulnerability, ...], tuple[Vulnerability, ...]]:
    """Return what certainly was not there, and what may have been: nobody who knows it looked."""
    missing = tuple(missing)
    certain = tuple(one for one in missing if is_certain(one, looked))
    return certain, tuple(one for one in missing if not is_certain(one, looked))


def _severities_by(vulnerability: Vulnerability, scanners: frozenset[str]) -> dict[str, Severity]:
    """Return what each of these scanners says, as far as it rates it: the highest of its ratings."""
    found: dict[str, Severity] = {}
    for rating in vulnerability.ratings:
        if rating.scanner in scanners:
            found[rating.scanner] = max(rating.severity, found.get(rating.scanner, rating.severity))
    return found
