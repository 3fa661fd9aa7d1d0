"""What reports say of how far an image was seen, by the rules that hold for every reader of their form."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from portus_scanner_report_file import ReportFileScanner, ReportFileSettings
from portus_scanners import (
    Database,
    Image,
    InvalidReportError,
    Outcome,
    Reference,
    ScannerReport,
    UnsupportedImageError,
)
from portus_scanners_testing import StandInContext
from standins.grype_cases import GRYPE_CASES
from standins.report_case import CONFIG, ReportCase
from standins.trivy_cases import RESULTS_TWICE, TRIVY_CASES

IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1.0"), digest="sha256:" + "d" * 64, config_digest=CONFIG
)
_ERRORS = {Outcome.UNSUPPORTED: UnsupportedImageError, Outcome.FAILED: InvalidReportError}


async def scan(folder: Path, content: str) -> ScannerReport:
    """Return what the scanner makes of a report."""
    path = folder / "report.json"
    path.write_text(content)
    return await ReportFileScanner(ReportFileSettings(path=str(path)), StandInContext()).scan(IMAGE)


@pytest.mark.parametrize("case", [*TRIVY_CASES, *GRYPE_CASES], ids=lambda case: case.name)
async def test_a_report_says_how_far_it_has_seen(tmp_path: Path, case: ReportCase) -> None:
    """The outcome, the findings, the end of the distribution's support, and why."""
    if case.outcome in _ERRORS:
        with pytest.raises(_ERRORS[case.outcome]) as caught:
            await scan(tmp_path, case.content)
        assert case.told in str(caught.value)
        return
    report = await scan(tmp_path, case.content)
    assert (case.outcome is Outcome.OK, case.findings) == (report.complete, len(report.findings))
    assert case.end_of_life == (report.end_of_life.distribution if report.end_of_life else "")
    assert bool(case.told) == any(case.told in note for note in report.notes)


@pytest.mark.parametrize("kind", ["filesystem", "repository", "cyclonedx", "spdx", "vm"])
async def test_trivy_has_scanned_no_image(tmp_path: Path, kind: str) -> None:
    """A report about a file system or an SBOM has its findings, and there may be more in the image."""
    case = next(case for case in TRIVY_CASES if case.name == "found")
    report = await scan(tmp_path, case.content.replace("container_image", kind))
    assert (False, 1) == (report.complete, len(report.findings))
    assert kind in report.notes[0]


async def test_support_has_ended_of_what_was_not_recognised(tmp_path: Path) -> None:
    """That it has ended is known, though not of what."""
    case = next(case for case in TRIVY_CASES if case.name == "ended, unrecognised")
    report = await scan(tmp_path, case.content)
    assert report.end_of_life is not None
    assert "the support of the distribution has ended, says Trivy 0.76.0" == report.end_of_life.sentence


async def test_the_age_of_a_servers_database(tmp_path: Path) -> None:
    """Trivy's report names the database of the server that it asked."""
    case = next(case for case in TRIVY_CASES if case.name == "found")
    server = '"Version": "0.76.0", "Server": {"VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-01-01T00:00:00Z"}}'
    report = await scan(tmp_path, case.content.replace('"Version": "0.76.0"', server))
    assert Database(identity="2 2026-01-01T00:00:00Z", updated=datetime(2026, 1, 1, tzinfo=UTC)) == report.database


async def test_a_member_that_stands_twice(tmp_path: Path) -> None:
    """Nobody knows which one counts: the report is invalid, and says which member it is."""
    with pytest.raises(InvalidReportError, match="two members 'Results'"):
        await scan(tmp_path, RESULTS_TWICE)
