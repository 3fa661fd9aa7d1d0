"""The scanner: it requests a scan, and polls its report."""

from __future__ import annotations

import random
from collections.abc import Mapping

from portus_scanners import Health, Image, Scanner, ScannerReport, UnsupportedImageError
from portus_scanners.backends import HttpAnswer, HttpBackend, one_line, structure_answer

from .adapter import Adapter, ScanLostError, is_working
from .findings import WHAT, choose_report, make_report
from .settings import HarborSettings
from .wire import VULNERABILITY, Capability, Metadata, Report

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between polls; each pause is twice as long as the one before, unless the adapter says."""
LONGEST_REFRESH_AFTER = 300.0
"""Seconds of an adapter's ``Refresh-After`` that are honoured."""
HEALTH_TIMEOUT = 5.0
"""Seconds for a health check."""


class HarborScanner(Scanner[HarborSettings], contract=1):
    """Scans images with any scanner that has an adapter for Harbor's pluggable scanner API, v1.0 to v1.2.

    The adapter pulls the image from the registry itself, with credentials from this scanner.
    """

    async def scan(self, image: Image) -> ScannerReport:
        """Return what the adapter's scanner finds in an image.

        Raises:
            UnsupportedImageError: The adapter does not accept such an image.
            ScannerUnavailableError: The adapter can't be reached, or is out of order.
            InvalidReportError: The adapter's answers do not follow the API.
            ScannerError: The adapter's scan has failed; the message is the adapter's.
        """
        adapter = self._adapter()
        metadata = await adapter.fetch_metadata()
        capability, report_type = choose_report(metadata, image.media_type)
        try:
            answer = await self._scan_once(adapter, image, capability, report_type)
        except ScanLostError as error:
            self.context.logger.info("%s; asking once more, with new credentials", error)
            answer = await self._scan_once(adapter, image, capability, report_type, renew=True)
        return await answer.parse(lambda answer: _read(answer, metadata, image))

    async def check_health(self) -> Health:
        """Return whether the adapter answers, and which scanner it runs."""
        metadata = await self._adapter().fetch_metadata(timeout=HEALTH_TIMEOUT)
        who = one_line(str(metadata.scanner)) or "an unnamed scanner"
        return Health(healthy=True, message=f"the adapter of {who} answers")

    def _adapter(self) -> Adapter:
        return Adapter(HttpBackend(self.context, self.settings.server, headers=self.settings.headers))

    async def _scan_once(
        self, adapter: Adapter, image: Image, capability: Capability, report_type: str, *, renew: bool = False
    ) -> HttpAnswer:
        """Request a scan, then its report until it is ready: the engine's deadline ends this as `pending`."""
        layer = next((one for one in image.layers if not one.urls), None)
        if layer is None or image.local is not None:
            raise UnsupportedImageError("the image has no layer in a registry, which adapters pull from")
        access = await self.context.blob(image, layer, renew=renew)  # good for the whole repository
        registry, _, path = access.url.rpartition("/v2/")
        authorization = access.headers.get("Authorization", "")
        request = _request(image, path.rpartition("/blobs/")[0], capability, report_type)
        scan_id = await adapter.start(authorization, registry, request)
        pause = FIRST_PAUSE
        while is_working(answer := await adapter.fetch_report(scan_id, report_type), scan_id):
            jittered = pause * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)
            await self.context.wait(refresh_after(answer.headers, default=jittered))
            pause = min(2 * pause, LONGEST_PAUSE)
        return answer


def refresh_after(headers: Mapping[str, str], *, default: float) -> float:
    """Return the seconds of a ``Refresh-After`` header, 300 at most; *default* if there is none."""
    value = headers.get("Refresh-After", "").strip()
    return min(float(value), LONGEST_REFRESH_AFTER) if value.isascii() and value.isdigit() else default


def _request(image: Image, repository: str, capability: Capability, report_type: str) -> Mapping[str, object]:
    artifact = {"repository": repository, "digest": image.digest, "mime_type": image.media_type}
    if not capability.type:
        return {"artifact": artifact}
    # an adapter of v1.2 would make an SBOM too
    enabled = {"type": VULNERABILITY, "produces_mime_types": [report_type]}
    return {"artifact": artifact, "enabled_capabilities": [enabled]}


def _read(answer: HttpAnswer, metadata: Metadata, image: Image) -> ScannerReport:
    return make_report(structure_answer(answer.json(), Report, WHAT), metadata, image)
