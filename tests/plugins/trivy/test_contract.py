"""The contract of a scanner whose backend is a program, with a program that speaks as Trivy does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from portus_scanner_trivy import TrivyScanner
from portus_scanners import Severity
from portus_scanners_testing import ProgramScannerContract, ScriptedProgram
from portus_scanners_testing.images import digest_of

from .reports import VERSIONS, bare_vulnerability, os_result, package, report, vulnerability


class TestTrivy(ProgramScannerContract):
    """Every test of the contract."""

    scanner_class = TrivyScanner
    findings = {"CVE-2099-0001": Severity.HIGH, "CVE-2099-0002": Severity.LOW}
    other_findings = {"CVE-2099-0003": Severity.MEDIUM}
    severities = {word: Severity(word.casefold()) for word in ("LOW", "MEDIUM", "HIGH", "CRITICAL")}
    optional_members = frozenset({"Vulnerabilities"})  # a result without any has none

    @pytest.fixture
    def backend(self, tmp_path: Path) -> ScriptedProgram:
        """A Trivy that knows two images, and tells its steps."""
        program = ScriptedProgram(tmp_path)
        program.script("version", VERSIONS)
        found = (vulnerability("CVE-2099-0001"), bare_vulnerability("CVE-2099-0002", "openssl", "LOW"))
        image = report(
            os_result(*found, packages=[package()]),
            ImageID=digest_of(self.build_image().config),
        )
        other = report(
            os_result(bare_vulnerability("CVE-2099-0003", "zlib1g", "MEDIUM")),
            ImageID=digest_of(self.build_other_image().config),
        )
        steps = "2099-01-01T00:00:00Z\tINFO\t[vuln] Vulnerability scanning is enabled\n"
        for built, made in ((self.build_image(), image), (self.build_other_image(), other)):
            program.script(f"image-{built.digest[7:]}", stderr=steps, files={"report.json": made})
        return program

    @pytest.fixture
    def settings(self, backend: ScriptedProgram, tmp_path: Path) -> Mapping[str, object]:
        """Enabled, with its program; no database is downloaded."""
        return {
            "enabled": "true",
            "program": str(backend.path),
            "cache": str(tmp_path / "cache"),
            "skip_update": "true",
        }
