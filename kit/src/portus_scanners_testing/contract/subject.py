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
from ..surroundings import kept_state
from .canaries import REGISTRY_PASSWORD, secrets_for
from .lab import ScannerLab
from .promises import REFUSABLE, promised

_PLAIN = "test_scan_finds_what_the_backend_knows"
_PLAIN_FAILS: set[type] = set()
"""Classes whose plain scan has begun and not passed: their other scans would fail for the same reason."""


@promised
class ScannerSubject:
    """The scanner under test: class attributes to set, fixtures to override."""

    scanner_class: ClassVar[type[Scanner[Any]]]
    """The class that the entry point names."""
    findings: ClassVar[Mapping[str, Severity]]
    """What the backend of the tests finds in `image`: severities by finding id."""
    other_findings: ClassVar[Mapping[str, Severity]] = {}
    """What it finds in `other_image`: other findings."""
    refused: ClassVar[Mapping[str, str]] = {}
    """Tests that this backend gives no way to run, with the reason: ``{"test_failed_scan_is_an_error": "why"}``. Only
    those that the reference of the contract marks can be refused; they are skipped with the reason."""

    @pytest.fixture(autouse=True)
    def _order(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Skip what the author has refused, and what scans once the plain scan has failed; keep the process's state."""
        name, contract = request.node.originalname, type(self)
        if wrong := sorted(set(self.refused) - REFUSABLE):
            pytest.fail(f"{', '.join(wrong)} can't be refused; only these can be: {', '.join(sorted(REFUSABLE))}")
        if name in self.refused:
            pytest.skip(f"refused: {self.refused[name]}")
        if name == _PLAIN:
            _PLAIN_FAILS.add(contract)  # until it has passed
        elif contract in _PLAIN_FAILS and not {"image", "other_image"}.isdisjoint(request.fixturenames):
            pytest.skip(f"a plain scan fails: see {_PLAIN}")
        with kept_state():
            yield

    def test_scan_finds_what_the_backend_knows(self, lab: ScannerLab, image: str) -> None:
        self.check_findings(lab.outcome_of(image), self.findings)
        _PLAIN_FAILS.discard(type(self))

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

    def check_findings(
        self, report: object, expected: Mapping[str, Severity], what: str = "a plain scan"
    ) -> ScannerReport:
        """Fail unless the report is complete and has exactly these findings; *what* says what was scanned, and how."""
        __tracebackhide__ = True
        assert isinstance(report, ScannerReport), f"{what}: scan() gave no report, but {report!r}"
        assert report.complete, f"{what}: the report says that it is not complete: {report.notes}"
        found = {finding.id for finding in report.findings}
        assert set(expected) == found, f"{what}: {_difference(expected, found)}"
        return report


def _difference(expected: Mapping[str, Severity], found: set[str]) -> str:
    missing, added = sorted(set(expected) - found), sorted(found - set(expected))
    return "; ".join([*([f"not found: {missing}"] if missing else []), *([f"not expected: {added}"] if added else [])])
