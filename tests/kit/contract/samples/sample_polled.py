"""A polling scanner that keeps the contract, and those that break a promise about polling."""

from __future__ import annotations

import asyncio

from portus_scanners import Image, ScannerError, ScannerReport
from sample_http import SampleScanner, quote


class PolledScanner(SampleScanner, contract=1):
    """Asks until the answer is not ``{"working": true}``."""

    async def scan(self, image: Image) -> ScannerReport:
        while True:
            document = (await self.ask(f"/scan?image={quote(image.reference.text, safe='')}")).json()
            if not isinstance(document, dict) or document.get("working") is not True:
                return self.report(document)
            await self.pause()

    async def pause(self) -> None:
        await self.context.wait(1.0)


class SleepingPolledScanner(PolledScanner, contract=1):
    """Waits by itself: the engine does not hear that the backend works."""

    async def pause(self) -> None:
        await asyncio.sleep(0.001)


class ImpatientScanner(PolledScanner, contract=1):
    """Takes a backend that is still working for one that found nothing."""

    async def scan(self, image: Image) -> ScannerReport:
        document = (await self.ask(f"/scan?image={quote(image.reference.text, safe='')}")).json()
        await self.pause()
        return ScannerReport() if document.get("working") is True else self.report(document)


class GivingUpScanner(PolledScanner, contract=1):
    """Fails when the backend is still working."""

    async def pause(self) -> None:
        raise ScannerError("still working")
