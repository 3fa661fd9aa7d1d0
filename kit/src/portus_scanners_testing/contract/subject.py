"""What an author says about the scanner under test, and the fixtures that the tests of the contract use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from portus_scanners import Scanner
from portus_scanners.models import ScannerReport, Severity

from ..images import BuiltImage, debian_image
from ..registry import USERNAME, StandInRegistry
from ..servers import serving
from .canaries import REGISTRY_PASSWORD, secrets_for
from .lab import ScannerLab


class ScannerSubject:
    """The scanner under test: class attributes to set, fixtures to override."""

    scanner_class: ClassVar[type[Scanner[Any]]]
    """The class that the entry point names."""
    findings: ClassVar[Mapping[str, Severity]]
    """What the backend of the tests finds in `image`: severities by finding id."""
    other_findings: ClassVar[Mapping[str, Severity]] = {}
    """What it finds in `other_image`: other findings."""

    @pytest.fixture
    def settings(self) -> Mapping[str, object]:
        """The scanner's section of the configuration, as strings (override this)."""
        msg = "override the fixture `settings`: the scanner's section of the configuration, such as {'server': URL}"
        raise NotImplementedError(msg)

    @pytest.fixture
    def hanging(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """Settings with which a scan never ends: the backend is up, and never answers (override this)."""
        msg = "override the fixture `hanging`: settings with which the backend never answers"
        raise NotImplementedError(msg)

    def build_image(self) -> BuiltImage:
        """Build the image that `findings` are in."""
        return debian_image({"openssl": "3.0.1-1", "bash": "5.2-1"})

    def build_other_image(self) -> BuiltImage:
        """Build the image that `other_findings` are in."""
        return debian_image({"zlib1g": "1.2.13-1"})

    def settings_of_attempt(self, number: int) -> Mapping[str, object]:
        """Return settings that make a scan independent of earlier ones, for a backend that remembers images.

        Args:
            number: Differs for each scan of a test.
        """
        return {}

    def attempt(self, lab: ScannerLab, number: int) -> ScannerLab:
        """Return the lab with `settings_of_attempt`."""
        return lab.with_values(self.settings_of_attempt(number))

    @pytest.fixture
    def registry(self) -> Iterator[StandInRegistry]:
        """A registry that requires tokens and holds both images, in a thread of its own."""
        registry = StandInRegistry(auth="token", password=REGISTRY_PASSWORD, username=USERNAME)
        registry.push("team/app", "1", self.build_image())
        registry.push("team/other", "1", self.build_other_image())
        with serving(registry):
            yield registry

    @pytest.fixture
    def image(self, registry: StandInRegistry) -> str:
        """The reference of the image that `findings` are in."""
        return registry.reference("team/app", "1")

    @pytest.fixture
    def other_image(self, registry: StandInRegistry) -> str:
        """The reference of the image that `other_findings` are in."""
        return registry.reference("team/other", "1")

    @pytest.fixture
    def lab(self, registry: StandInRegistry, settings: Mapping[str, object]) -> ScannerLab:
        """What the tests run the scanner with; secret settings that `settings` leaves out get a value."""
        values = {**secrets_for(self.scanner_class.settings_class, settings), **settings}
        return ScannerLab(scanner_class=self.scanner_class, values=values, registry=registry)

    @pytest.fixture
    def scratch(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The folder for temporary files, empty at first."""
        folder = tmp_path / "scratch"
        folder.mkdir()
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)
        return folder

    def check_findings(self, report: object, expected: Mapping[str, Severity]) -> ScannerReport:
        """Fail unless the report is complete and has exactly these findings."""
        __tracebackhide__ = True
        assert isinstance(report, ScannerReport), f"scan() gave no report, but {report!r}"
        assert report.complete, f"the report says that it is not complete: {report.notes}"
        assert set(expected) == {finding.id for finding in report.findings}
        return report
