"""What Grype's reports say of how far an image was seen, by the rules that hold for every reader of them."""

from __future__ import annotations

import pytest
from portus_scanner_grype.report import ScanEvidence, make_report
from portus_scanner_grype.wire import read_report
from portus_scanners import Image, InvalidReportError, Outcome, Reference, UnsupportedImageError
from standins.grype_cases import GRYPE_CASES
from standins.report_case import CONFIG, ReportCase

IMAGE = Image(
    reference=Reference.parse("registry.example/team/app:1.0"), digest="sha256:" + "d" * 64, config_digest=CONFIG
)
_ERRORS = {Outcome.UNSUPPORTED: UnsupportedImageError, Outcome.FAILED: InvalidReportError}


@pytest.mark.parametrize("case", GRYPE_CASES, ids=lambda case: case.name)
def test_a_report_says_how_far_it_has_seen(case: ReportCase) -> None:
    """The outcome, the findings, the end of the distribution's support, and why."""
    content = case.content.encode()
    if case.outcome in _ERRORS:
        with pytest.raises(_ERRORS[case.outcome]) as caught:
            make_report(read_report(content), IMAGE, ScanEvidence())
        assert case.told in str(caught.value)
        return
    report = make_report(read_report(content), IMAGE, ScanEvidence())
    assert (case.outcome is Outcome.OK, case.findings) == (report.complete, len(report.findings))
    assert case.end_of_life == (report.end_of_life.distribution if report.end_of_life else "")
    assert case.told in "\n".join(report.notes)
