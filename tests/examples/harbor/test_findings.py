"""From an adapter's JSON to findings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_harbor.findings import make_report
from portus_scanner_harbor.wire import Metadata, Report
from portus_scanners import Cvss, Finding, Image, InvalidReportError, Package, Reference, ScannerReport, Severity
from portus_scanners.backends import structure_answer
from standins.harbor import METADATA, vulnerability

DIGEST = "sha256:" + "a" * 64
IMAGE = Image(reference=Reference.parse("registry.example/team/app:1"), digest=DIGEST)
OURS = {"artifact": {"digest": DIGEST}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(document: Any) -> ScannerReport:
    """Return the report that a document makes."""
    metadata = structure_answer(METADATA, Metadata, "metadata")
    return make_report(structure_answer(document, Report, "report"), metadata, IMAGE)


def test_everything_of_an_item_is_kept() -> None:
    """Severity, package, fix, links, scores, layer and CWEs."""
    (finding,) = read({"vulnerabilities": [vulnerability("CVE-2099-0001")]}).findings
    assert (
        Finding(
            id="CVE-2099-0001",
            severity=Severity.HIGH,
            severity_label="High",
            package=Package("openssl", "3.0.1-1"),
            fixed_by=("3.0.2-1",),
            links=("https://avd.example/CVE-2099-0001",),
            description="It overflows.",
            cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N", score=7.5),),
            layer="sha256:" + "1" * 64,
            details={"cwe_ids": "CWE-120 CWE-787"},
        )
        == finding
    )


@pytest.mark.parametrize(
    ("word", "cvss", "severity"),
    [
        ("Negligible", None, Severity.NEGLIGIBLE),
        ("gaudy", {"score_v3": 9.8}, Severity.UNKNOWN),
        ("", {"score_v3": 9.8, "score_v2": 1.0}, Severity.CRITICAL),
        (None, {"score_v2": 5.0, "vector_v2": "AV:N"}, Severity.MEDIUM),
        (None, {"score_v3": 11}, Severity.UNKNOWN),
        ("", None, Severity.UNKNOWN),
    ],
)
def test_severity_comes_from_the_word_else_from_a_score(word: str | None, cvss: Any, severity: Severity) -> None:
    """The word decides, even an unknown one; without a word, the score of the newest version does."""
    item = vulnerability("CVE-2099-0001", severity=word, preferred_cvss=cvss)  # type: ignore[arg-type]
    assert severity is read({"vulnerabilities": [item]}).findings[0].severity


def test_an_item_for_each_layer_is_one_finding() -> None:
    """Items of one id in one package are one finding, with the worst severity and the fixes of all."""
    items = [vulnerability("CVE-2099-0001", "Low"), vulnerability("CVE-2099-0001", "High", fix_version="4")]
    (finding,) = read({"vulnerabilities": items}).findings
    assert (Severity.HIGH, ("3.0.2-1", "4")) == (finding.severity, finding.fixed_by)


@pytest.mark.parametrize("given_list", [{}, {"vulnerabilities": None}], ids=["left out", "null"])
@pytest.mark.parametrize("severity", [{}, {"severity": ""}, {"severity": "Unknown"}], ids=str)
def test_no_list_of_a_report_that_is_ours_is_none_found(given_list: dict[str, None], severity: dict[str, str]) -> None:
    """Trivy's adapter leaves the list out where it is empty."""
    report = read({**OURS, **given_list, **severity})
    assert ((), True) == (report.findings, report.complete)


@pytest.mark.parametrize(
    "document", [{}, {"severity": "Unknown"}, {**OURS, "severity": "High"}, {"artifact": {}}], ids=str
)
def test_no_list_is_not_believed_otherwise(document: Any) -> None:
    """A document that does not name our image, or has a severity, lacks its list."""
    with pytest.raises(InvalidReportError, match=r"\$\.vulnerabilities: missing"):
        read(document)


def test_a_report_about_another_artifact_is_refused() -> None:
    """The digest in the report must be the image's."""
    with pytest.raises(InvalidReportError, match="another artifact"):
        read({"artifact": {"digest": "sha256:" + "b" * 64}, "vulnerabilities": []})


@given(JSON)
def test_any_json_is_read_or_refused(document: Any) -> None:
    """Whatever stands in the answer, in its list or in an item: a report, or `InvalidReportError`."""
    for value in (document, {"vulnerabilities": document}, {"vulnerabilities": [vulnerability("X", links=document)]}):
        try:
            report = read(value)
        except InvalidReportError:
            continue
        assert len(report.findings) == len(value["vulnerabilities"] or ())
