"""One of many images: what was given for it, what is told of it, how it ended."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import attrgetter

from attrs import field, frozen
from portus_images import (
    Image,
    ImageReference,
    InvalidReferenceError,
    PortusError,
    hide_account,
    message_line,
    parse_reference,
    words_of,
)

from ..models import ImageReport, ReportDocument, UnresolvedImage
from .context import Progress

logger = logging.getLogger("portus_scanners.engine")

ScanTarget = str | ImageReference | Image


@frozen(kw_only=True)
class ScanEnd:
    """How the scan of one of many images ended.

    Attributes:
        position: The place of its reference among those that were given; the first is 0.
        target: What was given there.
        result: The report; or why there is none: the reference is malformed, the image could not be resolved, it was
            stopped or its time was up before that.
        error: What an `UnresolvedImage` stands for; None with a report.
        part: Which of the images of an index this is, the first is 0, where all platforms are scanned.
        parts: How many ends there are for this position.
    """

    position: int
    target: ScanTarget
    result: ImageReport | UnresolvedImage
    error: PortusError | None = field(default=None, eq=False, repr=False)
    part: int = 0
    parts: int = 1


@frozen(kw_only=True)
class ImageProgress:
    """How far one of many images is.

    Attributes:
        position: See `ScanEnd.position`.
        part: See `ScanEnd.part`.
        parts: See `ScanEnd.parts`.
        target: What is scanned: what was given; of an index all of whose platforms are scanned, the `Image`.
        progress: What one scanner is doing; None when the image is begun, and when it waits for the same image's scan.
    """

    position: int
    part: int = 0
    parts: int = 1
    target: ScanTarget
    progress: Progress | None = None


@frozen
class Job:
    """One image to scan, or a reference whose images are to be found out."""

    position: int
    given: ScanTarget
    """What the caller gave."""
    target: ImageReference | Image | None = None
    """One image of an index; None where what was given is not looked at yet."""
    part: int = 0
    parts: int = 1
    several: bool = False
    """The images of its index are to be scanned, each of them: `Feed.expand` follows."""

    def find_target(self) -> ImageReference | Image:
        """Return what is to be scanned; a string is parsed.

        Raises:
            InvalidReferenceError: It is not a valid reference.
        """
        if self.target is not None:
            return self.target
        return parse_reference(self.given) if isinstance(self.given, str) else self.given

    def make_end(self, result: ImageReport | UnresolvedImage, error: PortusError | None = None) -> ScanEnd:
        """Return the end of an image that was scanned, or of one that was not, with the error that is behind that."""
        part, parts = self.part, self.parts
        return ScanEnd(position=self.position, target=self.given, result=result, error=error, part=part, parts=parts)

    def make_failure(self, error: Exception) -> ScanEnd:
        """Return the end of an image that could not be scanned; of one of an index, the platform is named."""
        if not isinstance(error, PortusError):
            logger.error("%s could not be scanned", _text_of(self.given), exc_info=error)
            error = PortusError(f"it could not be scanned: a fault of this program ({words_of(error)})")
        step = "reference" if isinstance(error, InvalidReferenceError) else getattr(error, "step", "resolve")
        platform = f"{self.target.platform}: " if isinstance(self.target, Image) and self.target.platform else ""
        message = message_line(f"{platform}{error}")
        return self.make_end(UnresolvedImage(reference=_text_of(self.given), step=step, message=message), error)


def make_document(ends: Iterable[ScanEnd]) -> ReportDocument:
    """Return the document of scans that have ended just now, in the order in which their references were given."""
    results = [end.result for end in sorted(ends, key=attrgetter("position", "part"))]
    return ReportDocument(
        reports=tuple(result for result in results if isinstance(result, ImageReport)),
        errors=tuple(result for result in results if isinstance(result, UnresolvedImage)),
        created=datetime.now(UTC).replace(microsecond=0),
    )


def _text_of(given: ScanTarget) -> str:
    if isinstance(given, str):
        return hide_account(given)
    return given.reference.text if isinstance(given, Image) else given.text
