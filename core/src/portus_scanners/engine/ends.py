"""What is told of the scans of many images: how far each is, and how it ended."""

from __future__ import annotations

from attrs import field, frozen
from portus_images import Image, ImageReference, PortusError

from ..models import ImageReport, UnresolvedImage
from .context import Progress

ScanTarget = str | ImageReference | Image


@frozen(kw_only=True)
class ScanEnd:
    """How the scan of one of many images ended."""

    position: int
    """The place of its reference among those that were given; the first is 0."""
    target: ScanTarget
    """What was given there."""
    result: ImageReport | UnresolvedImage
    """The report; or why there is none: the reference is malformed, the image could not be resolved, it was stopped
    or its time was up before that."""
    error: PortusError | None = field(default=None, eq=False, repr=False)
    """What an `UnresolvedImage` stands for; None with a report."""
    part: int = 0
    """Which of the images of an index this is, the first is 0, where all platforms are scanned."""
    parts: int = 1
    """How many ends there are for this position."""


@frozen(kw_only=True)
class ImageProgress:
    """How far one of many images is."""

    position: int
    """See `ScanEnd.position`."""
    part: int = 0
    """See `ScanEnd.part`."""
    parts: int = 1
    """See `ScanEnd.parts`."""
    target: ScanTarget
    """What is scanned: what was given; of an index all of whose platforms are scanned, the `Image`."""
    progress: Progress | None = None
    """What one scanner is doing; None when the image is begun, and when it waits for the same image's scan."""
