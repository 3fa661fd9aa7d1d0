"""The contract of a scanner whose backend is a program, with a program that speaks as Grype does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from portus_scanner_grype import GrypeScanner
from portus_scanners import Severity
from portus_scanners_testing import ProgramScannerContract, ScriptedProgram
from portus_scanners_testing.images import BuiltImage, digest_of

from .reports import LOG, STATUS, match, packages, report


class TestGrype(ProgramScannerContract):
    """Every test of the contract."""

    scanner_class = GrypeScanner
    findings = {"CVE-2099-0001": Severity.HIGH, "CVE-2099-0002": Severity.LOW}
    other_findings = {"CVE-2099-0003": Severity.MEDIUM}
    severities = {word: Severity(word.casefold()) for word in ("Negligible", "Low", "Medium", "High", "Critical")}

    @pytest.fixture
    def backend(self, tmp_path: Path) -> ScriptedProgram:
        """A Grype that knows two images, and tells its steps."""
        program = ScriptedProgram(tmp_path)
        program.script("db", STATUS)
        self._script(program, self.build_image(), match("CVE-2099-0001", "High"), match("CVE-2099-0002", "Low"))
        self._script(program, self.build_other_image(), match("CVE-2099-0003", "Medium"))
        return program

    @staticmethod
    def _script(program: ScriptedProgram, image: BuiltImage, *matches: object) -> None:
        made = report(*matches, imageID=digest_of(image.config))
        files = {"report.json": made, "packages.json": packages("deb")}
        program.script(f"oci-dir:image-{image.digest[7:]}", stderr=LOG, files=files)

    @pytest.fixture
    def settings(self, backend: ScriptedProgram, tmp_path: Path) -> Mapping[str, object]:
        """Enabled, with its program; no database is downloaded."""
        return {
            "enabled": "true",
            "program": str(backend.path),
            "cache": str(tmp_path / "cache"),
            "skip_update": "true",
        }
