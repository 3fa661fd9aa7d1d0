"""The same image, wanted several times at one moment, is scanned once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from attrs import evolve
from portus_images import Image

from ..models import ImageReport, Outcome

_ABOUT_CONTENT = {Outcome.OK, Outcome.INCOMPLETE, Outcome.UNSUPPORTED}
"""Outcomes that say something about the image, and not about the way to it."""


class Sharing:
    """The scans under way, by what they scan."""

    def __init__(self) -> None:
        self._flights: dict[tuple[str, bool], asyncio.Future[ImageReport | None]] = {}

    async def scan(self, image: Image, scan: Callable[[Image], Awaitable[ImageReport]]) -> ImageReport:
        """Return the report of the scan that is under way for this digest, with this image as its own; or scan.

        What failed for one reference may succeed for another: access goes by repository. Unless it is the very same
        reference, such a report is not shared, and the image is scanned again.

        Args:
            image: The image; local ones and those of registries are kept apart.
            scan: Scans it.
        """
        if image.unsupported is not None:  # an index may say so of a digest that another reference gives as an image
            return await scan(image)
        key = image.digest, image.local is not None
        flight = self._flights.get(key)
        if flight is not None:
            await asyncio.wait({flight})
            report = flight.result()
            if report is not None and _fits(report, image):
                return report if report.image == image else evolve(report, image=image)
            return await scan(image)
        return await self._lead(key, image, scan)

    async def _lead(
        self, key: tuple[str, bool], image: Image, scan: Callable[[Image], Awaitable[ImageReport]]
    ) -> ImageReport:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        report = None
        try:
            report = await scan(image)
        finally:
            del self._flights[key]
            flight.set_result(report)
        return report


def _fits(report: ImageReport, image: Image) -> bool:
    same = report.image.reference == image.reference
    return same or all(run.outcome in _ABOUT_CONTENT for run in report.results)
