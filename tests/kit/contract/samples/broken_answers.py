"""Scanners that take wrong answers for correct ones, or tell secrets."""

from __future__ import annotations

import time
from typing import Any

from attrs import evolve
from portus_scanners import (
    Database,
    Finding,
    Health,
    Image,
    InvalidReportError,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    Severity,
)
from portus_scanners.backends import HttpAnswer
from sample_http import SampleScanner


class PortusScanner(SampleScanner, contract=1):
    """Turns every error into an empty list, as Portus does."""

    async def scan(self, image: Image) -> ScannerReport:
        try:
            return await super().scan(image)
        except ScannerError:
            return ScannerReport()


class LeakingScanner(SampleScanner, contract=1):
    """Logs its token."""

    async def ask(self, path: str) -> HttpAnswer:
        self.context.logger.debug("token: %s", self.settings.token.reveal())
        return await super().ask(path)


class PrintingScanner(SampleScanner, contract=1):
    """Prints its token."""

    async def ask(self, path: str) -> HttpAnswer:
        print(self.settings.token.reveal())
        return await super().ask(path)


class QuotingScanner(SampleScanner, contract=1):
    """Quotes a body that has its token in it."""

    async def ask(self, path: str) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {self.settings.token.reveal()}"}
        async with self.context.http.get(self.settings.server + path, headers=headers) as response:
            body = await response.read()
            if response.status != 200:
                raise ScannerError(body.decode(errors="replace"))
            return HttpAnswer(status=response.status, headers=response.headers, body=body)


class GreedyScanner(SampleScanner, contract=1):
    """Reads bodies of any length, and follows redirects."""

    async def ask(self, path: str) -> HttpAnswer:
        async with self.context.http.get(self.settings.server + path) as response:
            if response.status != 200:
                raise ScannerError(f"HTTP {response.status}")
            return HttpAnswer(status=200, headers=response.headers, body=await response.read())


class HastyScanner(SampleScanner, contract=1):
    """Reads the first piece of a body only."""

    async def ask(self, path: str) -> HttpAnswer:
        async with self.context.http.get(self.settings.server + path) as response:
            body = await response.content.read(1)
            return HttpAnswer(status=response.status, headers=response.headers, body=body)


class SkippingScanner(SampleScanner, contract=1):
    """Passes over findings that it can't read."""

    def report(self, document: Any) -> ScannerReport:
        found: list[Finding] = []
        for item in document["found"] if isinstance(document, dict) else ():
            try:
                found.append(self.finding(item))
            except InvalidReportError:
                continue
        return ScannerReport(findings=found)


class NullIsNoneScanner(SampleScanner, contract=1):
    """Takes null for nothing found."""

    def report(self, document: Any) -> ScannerReport:
        return super().report({"found": document.get("found") or []} if isinstance(document, dict) else document)


class AbsentIsNoneScanner(SampleScanner, contract=1):
    """Takes an answer without the list for nothing found."""

    def report(self, document: Any) -> ScannerReport:
        return super().report({"found": document.get("found", [])} if isinstance(document, dict) else document)


class PedanticScanner(SampleScanner, contract=1):
    """Refuses members that it does not know."""

    def report(self, document: Any) -> ScannerReport:
        if isinstance(document, dict) and set(document) != {"found"}:
            raise InvalidReportError("unknown members")
        return super().report(document)


class StrictWordsScanner(SampleScanner, contract=1):
    """Refuses severities that it does not know."""

    def severity(self, word: str) -> Severity:
        try:
            return Severity(word.lower())
        except ValueError as error:
            raise InvalidReportError(f"unknown severity {word}") from error


class CrashingScanner(SampleScanner, contract=1):
    """Takes every 5xx for a failure of the image's."""

    async def ask(self, path: str) -> HttpAnswer:
        try:
            return await super().ask(path)
        except ScannerUnavailableError as error:
            raise ScannerError(str(error)) from error


class GloomyScanner(SampleScanner, contract=1):
    """Never healthy."""

    async def check_health(self) -> Health:
        return Health(healthy=False, message="I do not feel well")


class GuessingScanner(SampleScanner, contract=1):
    """Its data seem to be new each time."""

    async def database(self) -> Database:
        return Database(identity=str(time.monotonic_ns()))


class TwoWordsScanner(SampleScanner, contract=1):
    """Says of the same data one thing before a scan, and another one in the report."""

    async def database(self) -> Database:
        return Database(identity="2")

    def report(self, document: Any) -> ScannerReport:
        return evolve(super().report(document), database=Database(identity="2 of Monday"))


class HospitableScanner(SampleScanner, contract=1):
    """Takes whoever answers 200 for its backend."""

    async def check_health(self) -> Health:
        answer = await self.ask("/health")
        return Health(healthy=answer.status == 200, message="it answers")


class CredulousScanner(SampleScanner, contract=1):
    """Takes every object for its backend's."""

    async def check_health(self) -> Health:
        said = (await self.ask("/health")).json()
        return Health(healthy=said.get("state") != "down", message="it answers")


class CheerfulScanner(SampleScanner, contract=1):
    """Always healthy."""

    async def check_health(self) -> Health:
        return Health(healthy=True, message="never better")
