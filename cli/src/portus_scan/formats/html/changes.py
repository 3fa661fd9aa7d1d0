"""What is different from an earlier document. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from ...reporter import ReportJob
from ..words import count
from .site import ImagePage

if TYPE_CHECKING:
    from portus_policy import DocumentDiff, ImageDiff


@frozen
class Changes:
    """The comparison of the job's document with its baseline."""

    diff: DocumentDiff
    _by_image: dict[tuple[str, str, str], ImageDiff] = field(init=False, repr=False)

    @_by_image.default
    def _index(self) -> dict[tuple[str, str, str], ImageDiff]:
        return {(one.reference, one.platform, one.new_digest): one for one in self.diff.images}

    def of(self, page: ImagePage) -> ImageDiff | None:
        """Return what is different in one image; None where the earlier document does not have it."""
        image = page.report.image
        return self._by_image.get((image.reference.text, page.platform, image.digest))

    @property
    def sentence(self) -> str:
        """How much is different in all images together."""
        images = self.diff.images
        parts = (
            f"{sum(len(one.appeared) for one in images)} new",
            f"{sum(len(one.vanished) for one in images)} gone",
            f"{sum(len(one.newly_fixable) for one in images)} now with a fix",
            f"{sum(len(one.severity_changed) for one in images)} of another severity",
            f"{sum(map(_doubtful, images))} not comparable",
        )
        doubtful = sum(bool(one.not_comparable) for one in images)
        doubt = f" Not everything can be compared in {count(doubtful, 'image')}." if doubtful else ""
        return f"In {count(len(images), 'image')} of both reports: {', '.join(parts)}.{doubt}"


def _doubtful(image: ImageDiff) -> int:
    """Return of how many vulnerabilities nobody can say; one that several scanners know counts once."""
    return len({(one.id, one.package) for found in image.not_comparable for one in found.vulnerabilities})


def compare(job: ReportJob) -> Changes | None:
    """Return the comparison; None where the job has no baseline."""
    if job.baseline is None:
        return None
    from portus_policy import compare_documents

    return Changes(compare_documents(job.baseline, job.document))
