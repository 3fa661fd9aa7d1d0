"""A scanner that keeps the contract; the others here break one promise of it each."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from attrs import field, frozen
from portus_scanners import (
    Finding,
    Health,
    HttpScannerSettings,
    Image,
    InvalidReportError,
    Package,
    Scanner,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    Secret,
    Severity,
)
from portus_scanners.backends import HttpAnswer, HttpBackend


@frozen(kw_only=True)
class SampleSettings(HttpScannerSettings):
    """A server and a token for it."""

    token: Secret = field(factory=Secret)


class SampleScanner(Scanner[SampleSettings], contract=1):
    """Asks ``GET /scan?image=REF`` and reads ``{"image": DIGEST, "found": [{"id", "severity", "package"}]}``."""

    async def scan(self, image: Image) -> ScannerReport:
        document = (await self.ask(f"/scan?image={quote(image.reference.text, safe='')}")).json()
        self.compare(document, image)
        return self.report(document)

    def compare(self, document: Any, image: Image) -> None:
        if isinstance(document, dict) and document.get("image", image.digest) != image.digest:
            raise InvalidReportError("no result", faults=["$.image: another one"])

    async def check_health(self) -> Health:
        said = (await self.ask("/health")).json()
        return Health(healthy=said == {"state": "up"}, message=f"it answers {said!r}"[:80])

    async def ask(self, path: str) -> HttpAnswer:
        headers = {"Authorization": Secret(f"Bearer {self.settings.token.reveal()}")}
        answer = await HttpBackend(self.context, self.settings.server, headers=headers).request("GET", path)
        if answer.unavailable:
            raise ScannerUnavailableError(f"HTTP {answer.status}: {answer.excerpt}")
        if answer.status != 200:
            raise ScannerError(f"HTTP {answer.status}: {answer.excerpt}")
        return answer

    def report(self, document: Any) -> ScannerReport:
        found = document.get("found") if isinstance(document, dict) else None
        if not isinstance(found, list):
            raise InvalidReportError("no result", faults=["$.found: expected a list"])
        return ScannerReport(findings=[self.finding(item) for item in found])

    def finding(self, item: Any) -> Finding:
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("id", "severity")):
            raise InvalidReportError("no result", faults=["$.found[]: expected an object with strings"])
        package = item.get("package")
        word = item["severity"]
        return Finding(
            id=item["id"] or "?",
            severity=self.severity(word),
            severity_label=word,
            package=Package(package if isinstance(package, str) else ""),
        )

    def severity(self, word: str) -> Severity:
        return Severity.from_word(word)
