"""The contract of every scanner, whatever its backend: what it returns, what it writes, how its health is told.

The report is right, well-formed, the same each time, and not mixed up with another image's. Credentials appear in
requests, and nowhere else.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import attrs
import pytest
from portus_scanners import Database, Health
from portus_scanners.models import Finding, ImageReport, ReportDocument, ScannerReport, ScannerRun, Severity
from portus_scanners.serialize import dump_document, load_document

from ..surroundings import watched_environment
from .canaries import captured_logs, forms_of, texts_of, told
from .endings import EndingTests
from .lab import ScannerLab
from .packaging import PackagingTests
from .promises import promised
from .subject import ScannerSubject

_AT_ONCE = 4
"""Pairs of scans that run at the same time."""
_SETTINGS = "these settings were changed by a scan: keep what belongs to one scan in variables of `scan`"


@promised
class ReportTests(ScannerSubject):
    """Promises about what `Scanner.scan` returns."""

    def test_scan_of_another_image_finds_other_things(self, lab: ScannerLab, other_image: str) -> None:
        assert self.other_findings, "set other_findings: what the backend finds in `other_image`, as a mapping"
        assert set(self.other_findings) != set(self.findings), "set other_findings to others than findings"
        self.check_findings(lab.outcome_of(other_image), self.other_findings, "a scan of other_image")

    def test_severities_are_mapped(self, lab: ScannerLab, image: str) -> None:
        report = self.check_findings(lab.outcome_of(image), self.findings)
        assert dict(self.findings) == {finding.id: finding.severity for finding in report.findings}
        assert [] == [one.id for one in report.findings if one.severity is not Severity.UNKNOWN and _is_bare(one)]

    def test_report_is_well_formed(self, lab: ScannerLab, image: str) -> None:
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
        assert lab.outcome_of(image) == self.check_findings(lab.outcome_of(image), self.findings)

    def test_report_survives_json(self, lab: ScannerLab, image: str) -> None:
        report = lab.report_of(image)
        assert [("ok", None)] == [(run.outcome.value, run.error) for run in report.results]
        document = ReportDocument(reports=(report,))
        assert document == load_document(dump_document(document))

    def test_scans_at_once_do_not_mix(self, lab: ScannerLab, image: str, other_image: str) -> None:
        async def scan() -> list[ImageReport]:
            async with lab.engine() as engine:
                images = [await engine.resolve(name) for name in (image, other_image)]  # so that all begin at once
                return await asyncio.gather(*map(engine.scan, images * _AT_ONCE))

        found = [sorted(one.id for one in run.report.findings) for run in _runs(lab.run(scan)) if run.report]
        alone = [sorted(one.id for one in _alone(lab, name).findings) for name in (image, other_image)]
        assert alone * _AT_ONCE == found


@promised
class IsolationTests(ScannerSubject):
    """Promises about what a scanner does not touch, and what is written anywhere."""

    @pytest.fixture
    def wrongs(self) -> Sequence[Callable[[], object]]:
        """Functions that each make the backend fail in another way, or work again."""
        return ()

    def test_environment_is_left_alone(
        self, lab: ScannerLab, image: str, wrongs: Sequence[Callable[[], object]]
    ) -> None:
        with watched_environment(lab.packages) as places:
            lab.health()
            lab.outcome_of(image)
            for number, go_wrong in enumerate(wrongs[:1], start=1):
                go_wrong()
                self.attempt(lab, number).outcome_of(image)
        assert not places, f"the environment is read or changed here: {places}: make what you need a setting"

    def test_settings_are_left_alone(self, lab: ScannerLab, image: str, wrongs: Sequence[Callable[[], object]]) -> None:
        def changes_of(lab: ScannerLab) -> list[str]:
            return lab.run(lambda: _changed_settings(lab, image))

        assert [] == changes_of(self.attempt(lab, 0)), _SETTINGS
        for number, go_wrong in enumerate(wrongs[:1], start=1):
            go_wrong()
            assert [] == changes_of(self.attempt(lab, number)), f"{_SETTINGS} (the backend has failed)"

    def test_no_secret_is_told(
        self, lab: ScannerLab, image: str, wrongs: Sequence[Callable[[], object]], capfd: pytest.CaptureFixture[str]
    ) -> None:
        texts = [repr(lab.settings())]
        with captured_logs() as lines, warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with lab.lasting() as lasting:
                for number, go_wrong in enumerate(wrongs):
                    go_wrong()
                    texts += [*_texts_of(self.attempt(lasting, number).outcome_of(image)), *_texts_of(lasting.health())]
            texts += _report(lab.report_of(image))
        texts += [*lab.said, *lines, *capfd.readouterr(), *(str(one.message) for one in warned)]
        leaks = told(texts, forms_of(lab.planted(), lab.registry))
        assert not leaks, f"a credential is told: {leaks}: mask what the backend says with `answer.mask` or `one_line`"


@promised
class HealthTests(ScannerSubject):
    """Promises about `Scanner.check_health`."""

    def test_health_tells_up(self, lab: ScannerLab) -> None:
        health = lab.health()
        assert isinstance(health, Health), repr(health)
        assert health.healthy is not False, health.message
        assert health.message.strip(), "the message must say in one sentence what was seen"

    def test_database_has_an_identity(self, lab: ScannerLab, image: str) -> None:
        async def ask() -> tuple[Database | None, Database | None, object]:
            async with lab.open() as opened:
                database = opened.scanner.database
                return await database(), await database(), await opened.outcome_of(image)

        first, second, report = lab.run(ask)
        assert first is None or type(first) is Database, f"database() returned {first!r}: a Database, or None"
        assert first == second, f"database() returned {first!r}, then {second!r}, and the data had not changed"
        told = report.database if isinstance(report, ScannerReport) else None
        if first is not None and told is not None:
            assert first == told, (
                f"database() returned {first!r}, and the report has {told!r}: say it in the same words"
            )


class ScannerContract(PackagingTests, ReportTests, EndingTests, IsolationTests, HealthTests):
    """The tests of the contract. Derive your test class from this one, or from the one for your kind of backend.

    Set `scanner_class`, `findings` and `other_findings`, and override the fixtures `settings` and `hanging`. Each test
    is one promise; its docstring says what is promised.
    """


async def _changed_settings(lab: ScannerLab, image: str) -> list[str]:
    """Use a scanner, and return which of its settings are no longer what they were, by name."""
    async with lab.open() as opened:
        given, fresh, other = opened.settings, lab.settings(), lab.settings()
        names = [one.name for one in attrs.fields(type(fresh)) if getattr(fresh, one.name) == getattr(other, one.name)]
        await opened.outcome_of(image)
        with suppress(Exception):
            await opened.scanner.check_health()
        now = opened.scanner.settings
        others = [] if now is given else ["self.settings is another object"]
        return [*others, *(name for name in names if getattr(given, name, None) != getattr(fresh, name))]


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
