"""From the forms of reports to findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from portus_scanner_report_file.forms import Reading, read_report
from portus_scanners import (
    Cvss,
    Finding,
    FixState,
    InvalidReportError,
    Package,
    ScannerError,
    Severity,
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
            purl="pkg:deb/debian/openssl@3.0.1-1",
            source_package=Package("openssl-src", "1:3.0.1-1"),
            fix_state=FixState.FIXED,
            severity_source="debian",
            title="openssl: an overflow",
            description="It overflows.",
            published=datetime(2026, 1, 1, tzinfo=UTC),
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
            purl="pkg:deb/debian/openssl@3.0.1-1",
            source_package=Package("openssl-src", "3.0.1-1"),
            fix_state=FixState.FIXED,
            description="It overflows.",
            cvss=(Cvss(version="3.1", vector="CVSS:3.1/AV:N", score=7.5),),
            details={"namespace": "debian:distro:debian:12"},
        ),
    ) == reading.report.findings
    assert ("Grype 0.100.0", "2026-01-02T03:04:05.123456+01:00") == _who_and_when(reading)
    assert reading.report.database is not None
    assert "2026-01-01T00:00:00+00:00" == str(reading.report.database.updated).replace(" ", "T")


def test_other_names_are_aliases() -> None:
    """What Trivy calls vendors' ids, and Grype related vulnerabilities."""
    trivy, grype = reports.trivy(HIGH), reports.grype({"GHSA-a": "High"})
    trivy["Results"][0]["Vulnerabilities"][0]["VendorIDs"] = ["DSA-1", " ", "DSA-1"]
    grype["matches"][0]["relatedVulnerabilities"] = [{"id": "CVE-1", "dataSource": "x"}, {"id": "GHSA-a"}]
    names = [(one.id, one.aliases) for form in (trivy, grype) for one in read_report(form).report.findings]
    assert [("CVE-2099-0001", ("DSA-1",)), ("GHSA-a", ("CVE-1",))] == names


def _who_and_when(reading: Reading) -> tuple[str, str]:
    return reading.report.scanner_version, reading.made.isoformat() if reading.made else ""


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        reports.trivy(HIGH, SchemaVersion=3),
        reports.grype(HIGH, matches=None),
        {"version": "2.0.0", "runs": reports.sarif(HIGH)["runs"]},
        {"version": "2.1.0", "runs": []},
        reports.sarif({}, results=None),
        reports.sarif({}, results=[{"message": {"text": "x"}}]),
    ],
    ids=["list", "empty", "schema", "no matches", "version", "no runs", "no results", "no rule"],
)
def test_what_is_of_no_known_form_is_invalid(document: Any) -> None:
    """Other documents, other versions, and lists that are not there."""
    with pytest.raises(InvalidReportError):
        read_report(document)


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
    assert reading.subjects


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"bomFormat": "CycloneDX", "vulnerabilities": []}, "a CycloneDX document"),
        ({"spdxVersion": "SPDX-2.3"}, "an SPDX document"),
        ({"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}, "an OpenVEX document"),
        ({"results": [], "experimental_config": {}}, "a report of osv-scanner"),
        ({"schema_version": "1.6.0", "id": "GHSA-1", "affected": []}, "an advisory of OSV"),
        ({"schema_version": 1, "reports": []}, "a document of portus-scan"),
        ({"manifest_hash": "sha256:0", "vulnerabilities": {}}, "a report of Clair v4"),
        ({"Layer": {"Name": "x"}}, "an answer of Clair"),
        ({"version": "15.0.7", "scan": {}, "vulnerabilities": []}, "GitLab's security report"),
        ([{"Target": "app:1 (debian 10)", "Vulnerabilities": None}], "an old version of Trivy"),
    ],
)
def test_a_foreign_form_is_named(document: Any, words: str) -> None:
    """Who gives another file than was meant is told which one it is."""
    with pytest.raises(InvalidReportError, match=words):
        read_report(document)


@given(JSON.filter(lambda value: value is not None))
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
