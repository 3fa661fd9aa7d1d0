"""The contract of every scanner, whatever its backend: what it returns, what it writes, how its health is told.

The report is right, well-formed, the same each time, and not mixed up with another image's. Credentials appear in
requests, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import pytest
from portus_scanners import Health
from portus_scanners.models import Finding, ImageReport, ReportDocument, ScannerReport, ScannerRun, Severity
from portus_scanners.serialize import dump_document, load_document

from .canaries import captured_logs, forms_of, texts_of, told
from .endings import EndingTests
from .lab import ScannerLab
from .packaging import PackagingTests
from .subject import ScannerSubject

_AT_ONCE = 8
"""Pairs of scans that run at the same time."""


class ReportTests(ScannerSubject):
    """Promises about what `Scanner.scan` returns."""

    def test_scan_finds_what_the_backend_knows(self, lab: ScannerLab, image: str) -> None:
        """The report is complete, and has exactly the findings that the backend knows."""
        self.check_findings(lab.outcome_of(image), self.findings)

    def test_scan_of_another_image_finds_other_things(self, lab: ScannerLab, other_image: str) -> None:
        """The report is about the image that was asked for."""
        assert set(self.other_findings) != set(self.findings), "other_findings must differ from findings"
        self.check_findings(lab.outcome_of(other_image), self.other_findings)

    def test_severities_are_mapped(self, lab: ScannerLab, image: str) -> None:
        """Each finding has the severity that the backend's word means, and keeps the word."""
        report = self.check_findings(lab.outcome_of(image), self.findings)
        assert dict(self.findings) == {finding.id: finding.severity for finding in report.findings}
        assert [] == [one.id for one in report.findings if one.severity is not Severity.UNKNOWN and _is_bare(one)]

    def test_report_is_well_formed(self, lab: ScannerLab, image: str) -> None:
        """Each finding comes once, links are URLs, each note is one line, and no string is padded with blanks."""
        report = self.check_findings(lab.outcome_of(image), self.findings)
        keys = [(one.id, one.package) for one in report.findings]
        assert len(set(keys)) == len(keys), f"findings that come more than once: {keys}"
        links = [link for one in report.findings for link in one.links]
        assert [] == [link for link in links if urlsplit(link).scheme not in {"http", "https"}]
        texts = [*report.notes, *(text for one in report.findings for text in (one.id, one.package.name, one.title))]
        aliases = [(one.id, alias) for one in report.findings for alias in one.aliases]
        assert [] == [pair for pair in aliases if not pair[1] or pair[1] == pair[0]], "aliases are other names"
        texts += [alias for _, alias in aliases]
        assert [] == [text for text in texts if text != text.strip() or "\n" in text]

    def test_report_is_deterministic(self, lab: ScannerLab, image: str) -> None:
        """Two scans of one image give equal reports."""
        assert lab.outcome_of(image) == self.check_findings(lab.outcome_of(image), self.findings)

    def test_report_survives_json(self, lab: ScannerLab, image: str) -> None:
        """A run in a real engine ends ok, and its document survives JSON unchanged."""
        report = lab.report_of(image)
        assert [("ok", None)] == [(run.outcome.value, run.error) for run in report.results]
        document = ReportDocument(reports=(report,))
        assert document == load_document(dump_document(document))

    def test_scans_at_once_do_not_mix(self, lab: ScannerLab, image: str, other_image: str) -> None:
        """One scanner that scans both images many times at once reports each image's own findings."""

        async def scan() -> list[ImageReport]:
            async with lab.engine() as engine:
                images = [await engine.resolve(name) for name in (image, other_image)]  # so that all begin at once
                return await asyncio.gather(*map(engine.scan, images * _AT_ONCE))

        found = [sorted(one.id for one in run.report.findings) for run in _runs(lab.run(scan)) if run.report]
        alone = [sorted(one.id for one in _alone(lab, name).findings) for name in (image, other_image)]
        assert alone * _AT_ONCE == found


class SecretTests(ScannerSubject):
    """Promises about what is written anywhere."""

    @pytest.fixture
    def wrongs(self) -> Sequence[Callable[[], object]]:
        """Functions that each make the backend fail in another way, or work again."""
        return ()

    def test_no_secret_is_told(
        self, lab: ScannerLab, image: str, wrongs: Sequence[Callable[[], object]], capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No log at any level, no output, error, report or ``repr`` contains a credential, whatever fails."""
        texts = [repr(lab.section().structure(self.scanner_class.settings_class))]
        with captured_logs() as lines:
            for number, go_wrong in enumerate(wrongs):
                go_wrong()
                texts += [*_texts_of(self.attempt(lab, number).outcome_of(image)), *_texts_of(lab.health())]
            texts += _report(lab.report_of(image))
        assert [] == told([*texts, *lines, *capfd.readouterr()], forms_of(lab.planted(), lab.registry))


class HealthTests(ScannerSubject):
    """Promises about `Scanner.check_health`."""

    def test_health_tells_up(self, lab: ScannerLab) -> None:
        """A backend that works is healthy; a scanner that can't tell returns None, and says why."""
        health = lab.health()
        assert isinstance(health, Health), repr(health)
        assert health.healthy is not False, health.message
        assert health.message.strip(), "the message must say in one sentence what was seen"


class ScannerContract(PackagingTests, ReportTests, EndingTests, SecretTests, HealthTests):
    """The tests of the contract. Derive your test class from this one, or from the one for your kind of backend.

    Set `scanner_class`, `findings` and `other_findings`, and override the fixtures `settings` and `hanging`. Each test
    is one promise; its docstring says what is promised.
    """


def tells_down(health: Health | Exception, up: Health | Exception) -> bool:
    """Return whether a health check tells that the backend is down.

    Args:
        health: The result while the backend is down.
        up: The result while it is up; a scanner that can't tell then need not tell now.
    """
    can_not_tell = isinstance(up, Health) and up.healthy is None
    return not (isinstance(health, Health) and health.healthy) if can_not_tell else not is_well(health)


def is_well(health: Health | Exception) -> bool:
    """Return whether a backend counts as healthy; an error means that it does not."""
    return isinstance(health, Health) and health.healthy is not False


def _runs(reports: list[ImageReport]) -> list[ScannerRun]:
    return [run for report in reports for run in report.results]


def _alone(lab: ScannerLab, reference: str) -> ScannerReport:
    report = lab.outcome_of(reference)
    assert isinstance(report, ScannerReport), report
    return report


def _is_bare(finding: Finding) -> bool:
    """Return whether a finding has neither a word nor a score that its severity comes from."""
    return not finding.severity_label and not finding.cvss


def _texts_of(outcome: object) -> list[str]:
    return list(texts_of(outcome)) if isinstance(outcome, Exception) else [repr(outcome)]


def _report(report: ImageReport) -> list[str]:
    return [dump_document(ReportDocument(reports=(report,))), repr(report)]
