"""The report-file plugin keeps the contract, with each form of report, from a server and from files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from portus_scanner_report_file import ReportFileScanner
from portus_scanners import Severity
from portus_scanners_testing import Hang, HttpScannerContract, ScannerContract, ScriptedServer, serving
from portus_scanners_testing.images import digest_of
from standins import reports

FOUND = {"CVE-2099-0001": "High", "CVE-2099-0002": "Low"}
OTHERS = {"CVE-2099-0003": "Medium"}


class TestTrivy(HttpScannerContract):
    """Every promise of the contract, with Trivy's JSON on a server."""

    scanner_class = ReportFileScanner
    findings = {"CVE-2099-0001": Severity.HIGH, "CVE-2099-0002": Severity.LOW}
    other_findings = {"CVE-2099-0003": Severity.MEDIUM}
    optional_members = frozenset({"Vulnerabilities"})  # a result of Trivy without any has none
    make: ClassVar[Callable[[dict[str, str], str], Any]] = staticmethod(reports.trivy)

    @pytest.fixture
    def backend(self) -> Iterator[ScriptedServer]:
        """A server with a report about each image."""
        server = ScriptedServer()
        server.script("/", "an index", content_type="text/plain")
        server.script("/reports/team%2Fapp.json", self.make(FOUND, digest_of(self.build_image().config)))
        server.script("/reports/team%2Fother.json", self.make(OTHERS, digest_of(self.build_other_image().config)))
        with serving(server):
            yield server

    @pytest.fixture
    def settings(self, backend: ScriptedServer) -> Mapping[str, object]:
        """The server and the path."""
        return {"server": backend.url, "path": "/reports/{repository}.json"}


class TestGrype(TestTrivy):
    """The same with Grype's JSON."""

    make = staticmethod(reports.grype)


class TestSarif(TestTrivy):
    """The same with SARIF."""

    make = staticmethod(reports.sarif)


class TestFiles(ScannerContract):
    """Every promise of the contract that files can keep."""

    scanner_class = ReportFileScanner
    findings = TestTrivy.findings
    other_findings = TestTrivy.other_findings

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Mapping[str, object]:
        """A folder with a report for each image."""
        images = {"app": (FOUND, self.build_image()), "other": (OTHERS, self.build_other_image())}
        for name, (found, image) in images.items():
            document = reports.trivy(found, digest_of(image.config))
            (tmp_path / f"team%2F{name}.json").write_text(json.dumps(document))
        return {"enabled": "true", "path": f"{tmp_path}/{{repository}}.json"}

    @pytest.fixture
    def hanging(self) -> Iterator[Mapping[str, object]]:
        """A file does not hang; a server does."""
        server = ScriptedServer()
        server.faults.add("*", Hang())
        with serving(server):
            yield {"server": server.url}
