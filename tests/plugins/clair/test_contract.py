"""The Clair plugin keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from portus_scanner_clair import ClairScanner
from portus_scanners import Severity
from portus_scanners_testing import HttpScannerContract, serving
from standins.clair import StandInClair


class TestClair(HttpScannerContract):
    """Every promise of the contract, with Clair's stand-in, which fetches the layers itself."""

    scanner_class = ClairScanner
    findings = {"CVE-2099-0001": Severity.CRITICAL, "CVE-2099-0002": Severity.MEDIUM}
    other_findings = {"CVE-2099-0003": Severity.LOW}
    severities = {
        word: Severity(word.casefold())
        for word in ("Unknown", "Negligible", "Low", "Medium", "High", "Critical", "Defcon1")
    }
    optional_members = frozenset({"Vulnerabilities"})  # a feature without any has none (API v1)

    @pytest.fixture
    def backend(self) -> Iterator[StandInClair]:
        """A Clair that knows a vulnerability of each package in the two images."""
        clair = StandInClair()
        clair.add_vulnerability("debian:12", "CVE-2099-0001", "Critical", fixed_in={"openssl": "3.0.2-1"})
        clair.add_vulnerability("debian:12", "CVE-2099-0002", "Medium", fixed_in={"bash": "5.2-2"})
        clair.add_vulnerability("debian:12", "CVE-2099-0003", "Low", fixed_in={"zlib1g": "1.2.13-2"})
        with serving(clair):
            yield clair

    @pytest.fixture
    def settings(self, backend: StandInClair) -> Mapping[str, object]:
        """The server and its health port."""
        return {"server": backend.url, "health_port": str(backend.health_port)}

    def settings_of_attempt(self, number: int) -> Mapping[str, object]:
        """Another salt: Clair has not seen the image before."""
        return {"salt": f"attempt {number}"}
