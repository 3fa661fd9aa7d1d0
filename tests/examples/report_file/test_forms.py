"""From the forms of reports to findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_report_file.forms import Reading, read_report
from portus_scanners import (
    Cvss,
    Finding,
    InvalidReportError,
    Package,
    ScannerError,
    Severity,
    UnsupportedImageError,
)
from standins import reports

HIGH = {"CVE-2099-0001": "High"}
MAKERS: dict[str, Callable[..., Any]] = {"trivy": reports.trivy, "grype": reports.grype, "sarif": reports.sarif}
LISTED: dict[str, Callable[[Any], list[Any]]] = {
    "trivy": lambda trivy: [one for result in trivy["Results"] for one in result.get("Vulnerabilities", ())],
    "grype": lambda grype: grype["matches"],
    "sarif": lambda sarif: [one for run in sarif["runs"] for one in run["results"]],
}
"""What a document of each form lists."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_everything_that_trivy_says_is_kept() -> None:
    """A vulnerability of Trivy's JSON, and the report around it."""
    reading = read_report(reports.trivy(HIGH))
    nvd = {"source": "nvd"}
    assert (
        Finding(
            id="CVE-2099-0001",
            severity=Severity.HIGH,
            severity_label="HIGH",
            package=Package("openssl", "3.0.1-1", "debian:12.5"),
            fixed_by=("3.0.2-1", "3.1"),
            links=("https://avd.example/CVE-2099-0001", "https://one.example/"),
            title="openssl: an overflow",
            description="It overflows.",
            cvss=(
                Cvss(version="3.1", vector="CVSS:3.1/AV:N", score=7.5, **nvd),
                Cvss(version="2.0", vector="AV:N", score=5.0, **nvd),
            ),
            layer="sha256:" + "1" * 64,
            details={"status": "fixed", "cwe_ids": "CWE-120"},
        ),
    ) == reading.report.findings
    assert ("Trivy 0.76.0", "2026-01-02T03:04:05.123456+00:00") == _who_and_when(reading)


def test_everything_that_grype_says_is_kept() -> None:
    """A match of Grype's JSON, and the report around it."""
    reading = read_report(reports.grype(HIGH))
    assert (
        Finding(
            id="CVE-2099-0001",
            severity=Severity.HIGH,
            severity_label="High",
            package=Package("openssl", "3.0.1-1", "debian:12"),
            fixed_by=("3.0.2-1",),
            links=("https://tracker.example/CVE-2099-0001", "https://one.example/"),
            description="It overflows.",
            cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N", score=7.5),),
            details={"fix_state": "fixed"},
        ),
    ) == reading.report.findings
    assert ("Grype 0.100.0", "2026-01-02T03:04:05.123456+01:00") == _who_and_when(reading)
    assert reading.report.database_updated is not None
    assert "2026-01-01T00:00:00+00:00" == reading.report.database_updated.isoformat()


def test_other_names_are_aliases() -> None:
    """What Trivy calls vendors' ids, and Grype related vulnerabilities."""
    trivy, grype = reports.trivy(HIGH), reports.grype({"GHSA-a": "High"})
    trivy["Results"][0]["Vulnerabilities"][0]["VendorIDs"] = ["DSA-1", " ", "DSA-1"]
    grype["matches"][0]["relatedVulnerabilities"] = [{"id": "CVE-1", "dataSource": "x"}, {"id": "GHSA-a"}]
    names = [(one.id, one.aliases) for form in (trivy, grype) for one in read_report(form).report.findings]
    assert [("CVE-2099-0001", ("DSA-1",)), ("GHSA-a", ("CVE-1",))] == names


def _who_and_when(reading: Reading) -> tuple[str, str]:
    return reading.report.scanner_version, reading.made.isoformat() if reading.made else ""


TRIVYS = (
    "Package: openssl\nInstalled Version: 3.0.1-1\nVulnerability X\nSeverity: HIGH\nFixed Version: 3.0.2-1\nLink: X"
)
GRYPES = "Vulnerability X\nSeverity: High\nPackage: openssl\nVersion: 3.0.1-1\nFix Version: 3.0.2-1\nType: deb"


@pytest.mark.parametrize(
    ("rule_id", "message", "help_text"),
    [("CVE-2099-0001", TRIVYS, "Package: another"), ("CVE-2099-0001-openssl", "The path reports openssl", GRYPES)],
    ids=["trivy", "grype"],
)
def test_the_lines_that_trivy_and_grype_write_into_sarif(rule_id: str, message: str, help_text: str) -> None:
    """Package, version, fix and severity are read from the message, else from the help of the rule."""
    rule = {"id": rule_id, "help": {"text": help_text}, "properties": {"security-severity": "9.8"}}
    tool = {"driver": {"name": "any", "rules": [rule]}}
    results = [{"ruleId": rule_id, "ruleIndex": 0, "level": "error", "message": {"text": message}}]
    (finding,) = read_report(reports.sarif({}, tool=tool, results=results)).report.findings
    assert ("CVE-2099-0001", Severity.HIGH) == (finding.id, finding.severity)
    assert (Package("openssl", "3.0.1-1"), ("3.0.2-1",)) == (finding.package, finding.fixed_by)
    assert (Cvss(version="", score=9.8),) == finding.cvss


@pytest.mark.parametrize(
    ("result", "rule", "severity"),
    [
        ({"level": "note", "properties": {"security-severity": "9.8"}}, {}, Severity.CRITICAL),
        ({"properties": {"security-severity": "high"}}, {"defaultConfiguration": {"level": "error"}}, Severity.HIGH),
        ({}, {}, Severity.MEDIUM),
        ({"level": "gaudy"}, {}, Severity.UNKNOWN),
    ],
    ids=["score", "rule's level", "default level", "unknown level"],
)
def test_severity_in_sarif_is_a_score_else_a_level(result: Any, rule: Any, severity: Severity) -> None:
    """GitHub's property for scores counts before the level; without both, SARIF's default level does."""
    tool = {"driver": {"name": "any", "rules": [{"id": "X-1", **rule}]}}
    results = [{"ruleIndex": 0, "message": {"text": "x"}, **result}]
    (finding,) = read_report(reports.sarif({}, tool=tool, results=results)).report.findings
    assert ("X-1", severity) == (finding.id, finding.severity)


def test_results_of_sarif_that_are_no_findings() -> None:
    """A result that passed is not a finding; suppressed results are left out, and a note says so."""
    base = {"ruleId": "X-1", "message": {"text": "x"}}
    results = [{**base, "kind": "pass"}, {**base, "suppressions": [{"kind": "external"}]}]
    report = read_report(reports.sarif({}, results=results)).report
    assert ((), 1, True) == (report.findings, len(report.notes), report.complete)
    assert "suppressed" in report.notes[0]


def test_a_program_that_did_not_end_well() -> None:
    """Its SARIF is incomplete."""
    report = read_report(reports.sarif({}, invocations=[{"executionSuccessful": False}])).report
    assert (False, 1) == (report.complete, len(report.notes))


@pytest.mark.parametrize("results", [None, [], [{"Class": "secret"}], [{"Class": "config", "Type": "dockerfile"}]])
def test_trivy_that_saw_no_packages_is_no_clean_report(results: Any) -> None:
    """Nothing recognised, and nothing but secrets looked for, say nothing about vulnerabilities."""
    with pytest.raises(UnsupportedImageError, match="no packages"):
        read_report(reports.trivy({}, Results=results))


def test_packages_without_vulnerabilities_are_a_clean_report() -> None:
    """Trivy leaves the list out where there are none; Grype and SARIF have an empty one."""
    documents = [
        reports.trivy({}, Results=[{"Class": "os-pkgs", "Type": "debian"}]),
        reports.grype({}),
        reports.sarif({}),
    ]
    found = [read_report(document).report for document in documents]
    assert [((), True, ())] * 3 == [(one.findings, one.complete, one.notes) for one in found]


@pytest.mark.parametrize(
    "document",
    [
        reports.trivy(HIGH, Metadata={}),
        reports.trivy(HIGH, Metadata={"OS": {"Family": "debian", "Name": "7", "EOSL": True}}),
        reports.grype(HIGH, distro={"name": "", "version": ""}),
        reports.grype(HIGH, ignoredMatches=[{}]),
    ],
    ids=["trivy no distribution", "trivy end of life", "grype no distribution", "grype ignored"],
)
def test_what_a_reader_must_know_is_a_note(document: Any) -> None:
    """An unknown or old distribution, and what is left out on purpose."""
    report = read_report(document).report
    assert (1, 1) == (len(report.findings), len(report.notes))


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        None,
        reports.trivy(HIGH, SchemaVersion=3),
        reports.grype(HIGH, matches=None),
        {"version": "2.0.0", "runs": reports.sarif(HIGH)["runs"]},
        {"version": "2.1.0", "runs": []},
        reports.sarif({}, results=None),
        reports.sarif({}, results=[{"message": {"text": "x"}}]),
    ],
    ids=["list", "empty", "null", "schema", "no matches", "version", "no runs", "no results", "no rule"],
)
def test_what_is_of_no_known_form_is_invalid(document: Any) -> None:
    """Other documents, other versions, and lists that are not there."""
    with pytest.raises(InvalidReportError):
        read_report(document)


def test_grypes_report_about_a_directory() -> None:
    """It is about no image."""
    with pytest.raises(ScannerError, match="about a directory"):
        read_report(reports.grype(HIGH, source={"type": "directory", "target": "/src"}))


@pytest.mark.parametrize("form", MAKERS)
@given(value=JSON, data=st.data())
def test_any_json_is_read_or_refused(form: str, value: Any, data: st.DataObject) -> None:
    """Whatever stands where: a report with something for each thing that is listed, or a `ScannerError`."""
    document = _changed(MAKERS[form](HIGH), value, data)
    try:
        reading = read_report(document)
    except ScannerError:
        return
    assert bool(LISTED[form](document)) == bool(reading.report.findings)


@given(JSON)
def test_any_other_json_is_refused(value: Any) -> None:
    """What has no member of a known form is invalid."""
    with pytest.raises(InvalidReportError):
        read_report(value)


def _changed(document: Any, value: Any, data: st.DataObject) -> Any:
    """Put the value somewhere into the document."""
    place, key = document, data.draw(st.sampled_from(list(document)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
    place[key] = value
    return document
