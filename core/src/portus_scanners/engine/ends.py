"""What is told of the scans of many images: how far each is, and how it ended."""

from __future__ import annotations

from attrs import field, frozen
from portus_images import Image, ImageReference, PortusError

from ..models import ImageReport, UnresolvedImage
from .context import Progress

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
