"""What Trivy's reports say of how far an image was seen, by the rules that hold for every reader of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from portus_scanner_trivy.report import Circumstances, make_report
from portus_scanner_trivy.wire import Versions, read_report
from portus_scanners import Image, InvalidReportError, Outcome, Reference, UnsupportedImageError
from standins.report_case import CONFIG, ReportCase
from standins.trivy_cases import TRIVY_CASES

IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1.0"), digest="sha256:" + "d" * 64, config_digest=CONFIG
)
_ERRORS = {Outcome.UNSUPPORTED: UnsupportedImageError, Outcome.FAILED: InvalidReportError}


@pytest.mark.parametrize("case", TRIVY_CASES, ids=lambda case: case.name)
def test_a_report_says_how_far_it_has_seen(case: ReportCase) -> None:
    """The outcome, the findings, the end of the distribution's support, and why."""
    circumstances = Circumstances(versions=Versions(), now=datetime(2099, 1, 1, tzinfo=UTC))
    if case.outcome in _ERRORS:
        with pytest.raises(_ERRORS[case.outcome]) as caught:
            make_report(read_report(case.content.encode()), IMAGE, circumstances)
        assert case.told in str(caught.value)
        return
    report = make_report(read_report(case.content.encode()), IMAGE, circumstances)
    assert (case.outcome is Outcome.OK, case.findings) == (report.complete, len(report.findings))
    assert case.end_of_life == (report.end_of_life.distribution if report.end_of_life else "")
    assert case.told in "\n".join(report.notes)
