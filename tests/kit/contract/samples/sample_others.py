"""Scanners that keep the contract though their backends say less, or say it otherwise."""

from __future__ import annotations

from typing import Any

from portus_scanners import Finding, Image, InvalidReportError, Scanner, ScannerError, ScannerReport, Severity
from sample_http import SampleScanner, quote
from sample_polled import PolledScanner

LEVELS = {1: Severity.LOW, 3: Severity.HIGH, 4: Severity.CRITICAL}


class QuietScanner(SampleScanner, contract=1):
    """Has no health check."""

    check_health = Scanner.check_health


class LevelScanner(SampleScanner, contract=1):
    """Its backend numbers the severities."""

    def finding(self, item: Any) -> Finding:
        if not isinstance(item, dict) or not isinstance(item.get("id"), str) or type(item.get("severity")) is not int:
            raise InvalidReportError("no result", faults=["$.found[]: expected an object"])
        level = item["severity"]
        severity = LEVELS.get(level, Severity.UNKNOWN)
        return Finding(id=item["id"] or "?", severity=severity, severity_label=self.label(level))

    def label(self, level: int) -> str:
        return str(level)


class WordlessScanner(LevelScanner, contract=1):
    """Its backend has no words for severities."""

    def label(self, level: int) -> str:
        return ""


class LineScanner(SampleScanner, contract=1):
    """Its backend answers with lines of text."""

    async def scan(self, image: Image) -> ScannerReport:
        answer = await self.ask(f"/scan?image={quote(image.reference.text, safe='')}")
        pairs = [line.split() for line in answer.body.decode().splitlines()]
        if not pairs or not all(len(pair) == 2 for pair in pairs):
            raise InvalidReportError("no result", faults=["expected two words in each line"])
        return self.report({"found": [{"id": name, "severity": word} for name, word in pairs]})


class PatientScanner(PolledScanner, contract=1):
    """Asks again while the server says 404, and does not say what it can't read."""

    async def scan(self, image: Image) -> ScannerReport:
        while True:
            try:
                return await super().scan(image)
            except InvalidReportError as error:
                raise ScannerError("the answer can't be read") from error
            except ScannerError as error:
                if "HTTP 404" not in str(error):
                    raise
            await self.pause()


class TwiceAskingScanner(PolledScanner, contract=1):
    """Sends two requests for each poll."""

    async def pause(self) -> None:
        await self.ask("/health")
        await super().pause()


class FlagScanner(PolledScanner, contract=1):
    """Its backend says ``{"working": true}``, and nothing of a state when it is done."""

    def state_of(self, document: Any) -> str:
        return "working" if isinstance(document, dict) and document.get("working") is True else "done"


class ForgetfulScanner(FlagScanner, contract=1):
    """The same, and its tests do not say what its backend can't."""


class RefusingScanner(SampleScanner, contract=1):
    """Its tests refuse a promise that every scanner keeps."""
