"""A polling scanner that keeps the contract, and those that break a promise about polling."""

from __future__ import annotations

import asyncio
from typing import Any

from portus_scanners import Image, InvalidReportError, ScannerError, ScannerReport
from sample_http import SampleScanner, quote


class PolledScanner(SampleScanner, contract=1):
    """Asks until the state is not ``working``."""

    async def scan(self, image: Image) -> ScannerReport:
        while True:
            document = (await self.ask(f"/scan?image={quote(image.reference.text, safe='')}")).json()
            state = self.state_of(document)
            if state == "failed":
                return self.failed(document)
            if state == "done":
                self.compare(document, image)
                return self.report(document)
            await self.pause()

    def state_of(self, document: Any) -> str:
        state = document.get("state") if isinstance(document, dict) else None
        if state not in {"working", "done", "failed"}:
            raise InvalidReportError("no result", faults=[f"$.state: {state!r} is not known"])
        return str(state)

    def failed(self, document: Any) -> ScannerReport:
        raise ScannerError("the scan failed")

    async def pause(self) -> None:
        await self.context.wait(1.0)


class FailedIsCleanScanner(PolledScanner, contract=1):
    """Shows a scan that failed as clean."""

    def failed(self, document: Any) -> ScannerReport:
        return ScannerReport()


class FailedIsWorkingScanner(PolledScanner, contract=1):
    """Polls on though the scan has failed."""

    def state_of(self, document: Any) -> str:
        state = super().state_of(document)
        return "working" if state == "failed" else state


class EndlessScanner(PolledScanner, contract=1):
    """Takes a state that it does not know for work."""

    def state_of(self, document: Any) -> str:
        try:
            return super().state_of(document)
        except InvalidReportError:
            return "working"


class DoneAnywayScanner(PolledScanner, contract=1):
    """Takes a state that it does not know for the end, if there is a result."""

    def state_of(self, document: Any) -> str:
        try:
            return super().state_of(document)
        except InvalidReportError:
            if "found" in document:
                return "done"
            raise


class HesitantScanner(PolledScanner, contract=1):
    """Waits once more before it says that it does not know a state."""

    async def scan(self, image: Image) -> ScannerReport:
        try:
            return await super().scan(image)
        except InvalidReportError:
            await self.pause()
            raise


class SleepingPolledScanner(PolledScanner, contract=1):
    """Waits by itself: the engine does not hear that the backend works."""

    async def pause(self) -> None:
        await asyncio.sleep(0.001)


class ImpatientScanner(PolledScanner, contract=1):
    """Takes a backend that is still working for one that found nothing."""

    async def scan(self, image: Image) -> ScannerReport:
        document = (await self.ask(f"/scan?image={quote(image.reference.text, safe='')}")).json()
        await self.pause()
        return ScannerReport() if document["state"] == "working" else self.report(document)


class GivingUpScanner(PolledScanner, contract=1):
    """Fails when the backend is still working."""

    async def pause(self) -> None:
        raise ScannerError("still working")
