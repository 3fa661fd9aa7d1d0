"""Scanners that break a promise of their report."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from attrs import evolve, frozen
from portus_scanners import Finding, Image, Reference, ScannerReport, Severity
from sample_http import SampleScanner


class LosingScanner(SampleScanner, contract=1):
    """Loses a finding."""

    def report(self, document: Any) -> ScannerReport:
        report = super().report(document)
        return evolve(report, findings=report.findings[1:])


class OneTrackScanner(SampleScanner, contract=1):
    """Asks for the same image each time."""

    async def scan(self, image: Image) -> ScannerReport:
        name = image.reference.text.replace("/other:", "/app:")
        return await super().scan(evolve(image, reference=Reference.parse(name)))

    def compare(self, document: Any, image: Image) -> None:
        pass


class FlatScanner(SampleScanner, contract=1):
    """Knows no severities."""

    def severity(self, word: str) -> Severity:
        return Severity.UNKNOWN


class RepeatingScanner(SampleScanner, contract=1):
    """Reports each finding twice."""

    def report(self, document: Any) -> ScannerReport:
        report = super().report(document)
        return evolve(report, findings=report.findings * 2)


class PaddedScanner(SampleScanner, contract=1):
    """Does not strip strings."""

    def finding(self, item: Any) -> Finding:
        return evolve(super().finding(item), title=" padded\n")


class RestlessScanner(SampleScanner, contract=1):
    """Says something else each time."""

    numbers = itertools.count()

    def report(self, document: Any) -> ScannerReport:
        return evolve(super().report(document), notes=(f"scan {next(self.numbers)}",))


@frozen(kw_only=True)
class OwnReport(ScannerReport):
    """A report with a member that no JSON has."""

    secret_sauce: str = "more"


class OwnReportScanner(SampleScanner, contract=1):
    """Returns a report of its own class."""

    def report(self, document: Any) -> ScannerReport:
        return OwnReport(findings=super().report(document).findings)


class MixingScanner(SampleScanner, contract=1):
    """Keeps what belongs to one scan in the object that does all of them."""

    async def scan(self, image: Image) -> ScannerReport:
        self.current = image
        await asyncio.sleep(0.01)
        return await super().scan(self.current)
